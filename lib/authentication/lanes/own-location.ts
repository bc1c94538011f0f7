/**
 * Where a redirect leads, as its `Location` says it. One that stays on this server names no host: which one the request
 * came to is only what its headers say, and the browser knows better.
 *
 * @param here The URL of the request.
 */
export function locationFrom(here: URL, target: URL): string {
  if (target.origin !== here.origin) return target.href;
  // With one slash: what follows two is a host to browsers.
  return target.pathname.replace(/^\/+/, '/') + target.search + target.hash;
}

/** Changes the `Location` among headers, where there is one, to what {@link locationFrom} makes of it. */
export function relativizeLocation(headers: Headers, here: URL): void {
  const location = headers.get('location');
  if (location) headers.set('location', locationFrom(here, new URL(location, here)));
}
