"""No regular expression of ours can be made to take long by what is matched against it (goal S15)."""

import importlib
import inspect
import itertools
import pkgutil
import re
import time
from collections.abc import Iterator

import application
import domain
import infrastructure
import interfaces

type Pattern = re.Pattern[str] | re.Pattern[bytes]

LENGTH = 2_000
LONGEST_CPU_SECONDS = 0.02
"""What grows with the square of the length takes longer than this, what grows with the length a hundredth of it."""

_ALWAYS = 'a0A -_.@:;,"'
_MOST_IN_TURNS = 6
_SCANNING = re.compile(r"\b(\w+)\.(?:search|sub|subn|finditer|findall|split)\(")


def _patterns() -> Iterator[tuple[str, Pattern, list[str]]]:
    """Return every pattern that a module or class keeps, with the methods that it is used by."""
    for package in (domain, application, infrastructure, interfaces):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            owners = [module, *(each for each in vars(module).values() if isinstance(each, type))]
            kept = {name: value for owner in owners for name, value in vars(owner).items()}
            patterns = {name: value for name, value in kept.items() if isinstance(value, re.Pattern)}
            scanned = set(_SCANNING.findall(inspect.getsource(module))) if patterns else set()
            for name, value in patterns.items():
                yield f"{found.name}.{name}", value, ["fullmatch", "match", *(["search"] if name in scanned else [])]


def _bombs(pattern: Pattern) -> Iterator[str]:
    """Repeat what the pattern is made of, one character or two in turns, and end with what it cannot match."""
    text = str(pattern.pattern)
    characters = list(dict.fromkeys([*(c for c in text if c.isascii() and c.isprintable()), *_ALWAYS]))
    for one in characters:
        yield one * LENGTH + "\x00"
    for first, second in itertools.permutations(characters[:_MOST_IN_TURNS], 2):
        yield (first + second) * (LENGTH // 2) + "\x00"
        yield first + second * LENGTH + "\x00"


def _cpu_seconds(pattern: Pattern, method: str, text: str) -> float:
    given = text if isinstance(pattern.pattern, str) else text.encode("latin-1")
    started = time.process_time()
    getattr(pattern, method)(given)
    return time.process_time() - started


def _is_slow(pattern: Pattern, methods: list[str]) -> bool:
    """Say whether any text takes long; what did so once may have been unlucky, and is tried again."""
    return any(
        all(_cpu_seconds(pattern, method, bomb) > LONGEST_CPU_SECONDS for _ in range(4))
        for bomb in _bombs(pattern)
        for method in methods
    )


def test_the_test_finds_a_pattern_that_takes_long() -> None:
    assert _is_slow(re.compile(r"\s*([A-Za-z]+)"), ["search"])
    assert _is_slow(re.compile(r"(?:[a-z]+-?){1,2}!"), ["fullmatch"])


def test_no_text_makes_a_pattern_take_long() -> None:
    """Every pattern of the product, by every method that it is used by."""
    patterns = list(_patterns())
    assert len(patterns) >= 70
    assert sum("search" in methods for _, _, methods in patterns) >= 15
    assert [name for name, pattern, methods in patterns if _is_slow(pattern, methods)] == []
