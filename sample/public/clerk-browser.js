/**
 * What Clerk's browser SDK does for a page, in a few lines, for a local Clerk: it knows which browser this is, who is
 * signed in, and always has a fresh session token. A real frontend uses @clerk/react or its like instead.
 */
export class ClerkBrowser {
  #clerkUrl;
  #devBrowser;
  #token;

  /** @param devBrowser the browser as a development instance knows it: `__clerk_db_jwt` of a cookie or a URL */
  constructor(clerkUrl, devBrowser) {
    this.#clerkUrl = clerkUrl;
    this.#devBrowser = devBrowser;
  }

  /** The session that is signed in, if there is one. */
  async session() {
    const client = await this.#ask('GET', '/v1/client');
    return client?.response.sessions[0];
  }

  /** A session token with more than ten seconds to live, or `undefined` where nobody is signed in. */
  async getToken() {
    if (this.#token === undefined || expiryOf(this.#token) - Date.now() < 10_000) {
      const session = await this.session();
      const token = session && (await this.#ask('POST', `/v1/client/sessions/${session.id}/tokens`));
      this.#token = token?.jwt;
    }
    return this.#token;
  }

  async signOut() {
    this.#token = undefined;
    await this.#ask('DELETE', '/v1/client/sessions');
  }

  async #ask(method, path) {
    const query = new URLSearchParams({ __clerk_db_jwt: this.#devBrowser ?? '' });
    const answer = await fetch(`${this.#clerkUrl}${path}?${query}`, { method });
    return answer.ok ? answer.json() : undefined;
  }
}

/** When a token expires, in milliseconds since 1970. */
export function expiryOf(token) {
  const [, claims] = token.split('.');
  return JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))).exp * 1000;
}
