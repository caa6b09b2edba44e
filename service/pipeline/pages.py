"""Security headers of the pages that browsers show: no framing, no content sniffing."""

from service.pipeline.steps import Exchange, Head, Step

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
POLICY = b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"  # a picture, which may have styles


class Pages(Step):
    """Adds security headers to the answers of routes that browsers show as pages."""

    def leave(self, exchange: Exchange, head: Head) -> None:
        """Add the headers, and the strictest content policy where the route has none of its own."""
        if exchange.match.properties.page:
            head.headers += HEADERS
            if head.header(b"content-security-policy") is None:
                head.headers.append((b"content-security-policy", POLICY))
