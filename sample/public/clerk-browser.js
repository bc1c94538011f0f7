/**
 * A minimal replacement for Clerk's browser SDK, for use with a local Clerk: it identifies the browser, returns the session
 * and provides fresh session tokens. A real frontend uses a package such as @clerk/react.
 */
export class ClerkBrowser {
  #clerkUrl;
  #devBrowser;
  #token;

  /** @param devBrowser The dev browser token, from the cookie or URL parameter `__clerk_db_jwt`. */
  constructor(clerkUrl, devBrowser) {
    this.#clerkUrl = clerkUrl;
    this.#devBrowser = devBrowser;
  }

  /** The signed-in session, if there is one. */
  async session() {
    const client = await this.#request('GET', '/v1/client');
    return client?.response.sessions[0];
  }

  /** A session token that is valid for at least ten more seconds; `undefined` if no one is signed in. */
  async getToken() {
    if (this.#token === undefined || expiryOf(this.#token) - Date.now() < 10_000) {
      const session = await this.session();
      const token = session && (await this.#request('POST', `/v1/client/sessions/${session.id}/tokens`));
      this.#token = token?.jwt;
    }
    return this.#token;
  }

  async signOut() {
    this.#token = undefined;
    await this.#request('DELETE', '/v1/client/sessions');
  }

  async #request(method, path) {
    const query = new URLSearchParams({ __clerk_db_jwt: this.#devBrowser ?? '' });
    const response = await fetch(`${this.#clerkUrl}${path}?${query}`, { method });
    return response.ok ? response.json() : undefined;
  }
}

/** The time at which a token expires, in milliseconds since 1970. */
export function expiryOf(token) {
  const [, claims] = token.split('.');
  return JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))).exp * 1000;
}
