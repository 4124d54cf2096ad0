"""Why a wallet does not send something."""

from domain.shared.errors import BusinessRuleViolation, Forbidden


class WalletNotVerified(BusinessRuleViolation):
    """Nobody has shown yet that the key at the other end belongs to the wallet."""

    code = "wallet_not_verified"
    summary = "The wallet's ownership is not verified yet."


class TransactionLimitExceeded(Forbidden):
    """It is more than the wallet may send with one transaction."""

    code = "transaction_limit_exceeded"
    summary = "The amount exceeds what this wallet may send with one transaction."


class DailyLimitExceeded(Forbidden):
    """With what the wallet sent within the last 24 hours it is more than it may."""

    code = "daily_limit_exceeded"
    summary = "The amount exceeds what this wallet may send within 24 hours."


class WalletNotDeployed(BusinessRuleViolation):
    """It is no contract of several owners, or not on its chain yet."""

    code = "wallet_not_deployed"
    summary = "The wallet is no multi-signature contract on its chain."


class WalletOwnerUnknown(BusinessRuleViolation):
    """The other wallet is none of the owners, or is on another chain."""

    code = "wallet_owner_unknown"
    summary = "The wallet that acts is not one of the owners on this chain."


class TransactionReplacedTooOften(BusinessRuleViolation):
    """It was signed so often that one more form would help nobody."""

    code = "transaction_replaced_too_often"
    summary = "The transaction was replaced too often already."
