"""Questions about what is sold."""

from domain.catalog.price import Price
from domain.catalog.product import Product
from domain.shared.ids import ProductId
from domain.shared.specification import Contains, Equal, Everything, Spec
from domain.shared.text import check_sku


def products_matching(*, text: str | None = None, sku: str | None = None) -> Spec[Product]:
    """Products whose name or SKU contains ``text``, and whose SKU is ``sku``.

    Raises:
        InvalidSku: ``sku`` is none, in whatever spelling.
    """
    found: Spec[Product] = Everything()
    if text is not None:
        found &= Contains("name", text) | Contains("sku", text)
    return found if sku is None else found & Equal("sku", check_sku(sku))


def prices_of(product_id: ProductId) -> Spec[Price]:
    """The prices of one product."""
    return Equal("product_id", product_id)


def prices_matching(*, product_id: ProductId | None = None) -> Spec[Price]:
    """Prices of one product, or all."""
    return Everything() if product_id is None else prices_of(product_id)
