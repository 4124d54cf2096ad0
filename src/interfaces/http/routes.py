"""The table of routes: one row per use-case, and nothing else to add for a new one."""

from typing import NamedTuple


class RouteRow(NamedTuple):
    """A method and a path below ``/v1`` for a use-case. ``{names}`` in the path are fields of the command."""

    method: str
    path: str
    use_case: str


ROUTES = (
    RouteRow("GET", "/organization", "organizations.get"),
    RouteRow("PATCH", "/organization", "organizations.update"),
    RouteRow("GET", "/members", "members.list"),
    RouteRow("GET", "/members/{id}", "members.get"),
    RouteRow("POST", "/api-keys", "api_keys.create"),
    RouteRow("GET", "/api-keys", "api_keys.list"),
    RouteRow("GET", "/api-keys/{id}", "api_keys.get"),
    RouteRow("POST", "/api-keys/{id}/revoke", "api_keys.revoke"),
    RouteRow("POST", "/products", "products.create"),
    RouteRow("GET", "/products", "products.list"),
    RouteRow("GET", "/products/{id}", "products.get"),
    RouteRow("PATCH", "/products/{id}", "products.update"),
    RouteRow("DELETE", "/products/{id}", "products.archive"),
    RouteRow("POST", "/products/{id}/restore", "products.restore"),
    RouteRow("POST", "/prices", "prices.create"),
    RouteRow("GET", "/prices", "prices.list"),
    RouteRow("GET", "/prices/{id}", "prices.get"),
    RouteRow("DELETE", "/prices/{id}", "prices.archive"),
    RouteRow("POST", "/payment-links", "payment_links.create"),
    RouteRow("GET", "/payment-links", "payment_links.list"),
    RouteRow("GET", "/payment-links/{id}", "payment_links.get"),
    RouteRow("PATCH", "/payment-links/{id}", "payment_links.update"),
    RouteRow("POST", "/payment-links/{id}/deactivate", "payment_links.deactivate"),
    RouteRow("GET", "/pay/{slug}", "payment_links.open"),
    RouteRow("POST", "/customers", "customers.create"),
    RouteRow("GET", "/customers", "customers.list"),
    RouteRow("GET", "/customers/{id}", "customers.get"),
    RouteRow("PATCH", "/customers/{id}", "customers.update"),
    RouteRow("DELETE", "/customers/{id}", "customers.delete"),
    RouteRow("POST", "/customers/{customer_id}/payment-methods", "payment_methods.add"),
    RouteRow("GET", "/customers/{customer_id}/payment-methods", "payment_methods.list"),
    RouteRow("GET", "/payment-methods/{id}", "payment_methods.get"),
    RouteRow("DELETE", "/payment-methods/{id}", "payment_methods.remove"),
    RouteRow("POST", "/payment-links/{payment_link_id}/orders", "payment_orders.create"),
    RouteRow("GET", "/payment-orders", "payment_orders.list"),
    RouteRow("GET", "/payment-orders/{id}", "payment_orders.get"),
    RouteRow("POST", "/payment-orders/{id}/pay", "payment_orders.pay"),
    RouteRow("POST", "/payment-orders/{id}/cancel", "payment_orders.cancel"),
    RouteRow("GET", "/audit-entries", "audit_entries.list"),
)
