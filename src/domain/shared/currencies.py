"""The currencies money can be in, with the exponent of their minor unit.

Every active ISO 4217 code that has a minor unit is here, the fund codes (CLF, UYW, COU, USN…) included: they
have exponents and contracts are written in them. The thirteen active codes for which the standard says "N.A."
are left out, because without a minor unit an amount cannot be an exact integer:

- XAG, XAU, XPD, XPT: precious metals, counted in troy ounces;
- XBA, XBB, XBC, XBD: bond market units;
- XDR, XSU, XUA: units of account between institutions, held by no customer;
- XTS, XXX: reserved for testing and for "no currency".

Withdrawn codes (HRK, BGN, VEF…) are left out as well. A test compares the table with a maintained library, so that
an amendment of the standard shows up as a failing test.
"""

_CODES_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE "
        "CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
        "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK "
        "MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD "
        "RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH "
        "USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

EXPONENTS: dict[str, int] = {code: exponent for exponent, codes in _CODES_BY_EXPONENT.items() for code in codes.split()}
"""Currency code to the number of decimals of its minor unit: EUR 2, JPY 0, KWD 3, CLF 4."""
