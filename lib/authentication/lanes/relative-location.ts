/**
 * The `Location` of a redirect. A target on this server is written without a host: the host is only known from request
 * headers, and the browser resolves a relative location correctly.
 *
 * @param here The URL of the request.
 */
export function toLocation(here: URL, target: URL): string {
  if (target.origin !== here.origin) return target.href;
  // Collapse leading slashes: browsers read what follows two slashes as a host.
  return target.pathname.replace(/^\/+/, '/') + target.search + target.hash;
}

/** Rewrites the `Location` header, if there is one, with {@link toLocation}. */
export function relativizeLocation(headers: Headers, here: URL): void {
  const location = headers.get('location');
  if (location) headers.set('location', toLocation(here, new URL(location, here)));
}
