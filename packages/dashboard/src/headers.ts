/** Scripts, styles and requests of its own origin, and nothing else; in no frame. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** What every answer carries. */
const always: Readonly<Record<string, string>> = {
  "content-security-policy": policy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

export function secured(response: Response): Response {
  for (const [name, value] of Object.entries(always)) response.headers.set(name, value);
  response.headers.set("date", new Date().toUTCString());
  if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
  return response;
}
