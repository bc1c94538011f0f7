import { createHash } from 'node:crypto';

import { ApiError, notFound } from '../api-error.js';
import { randomText } from '../ids.js';
import type { StoredSession } from '../resources.js';
import type { SigningKeys } from '../signing-keys.js';
import type { Store } from '../store.js';
import type { TokenIssuer } from '../token-issuer.js';
import type { SessionTokenOptions } from '../token-options.js';
import { Clients, type Client } from './clients.js';

/** How the Frontend API passes a browser's session to an application: by a nonce or inside a signed token. */
export interface Handshake {
  /** Value of the query parameter or cookie `__clerk_handshake_nonce`. Valid for one use. */
  readonly nonce: string;
  /** Value of the query parameter or cookie `__clerk_handshake`. */
  readonly token: string;
}

type Cookies = Readonly<Record<string, string>>;

/** The cookies, refresh tokens and handshakes of browsers. */
export class BrowserSessions {
  readonly clients: Clients;
  private readonly suffix: string;
  private readonly nonces = new Map<string, readonly string[]>();
  private readonly refreshTokens = new Map<string, string>();

  constructor(
    private readonly store: Store,
    private readonly tokens: TokenIssuer,
    private readonly keys: SigningKeys,
    /** Browsers pass the client of a development instance themselves; a production instance keeps it on its own host. */
    readonly isDevelopment: boolean,
    publishableKey: string,
  ) {
    this.clients = new Clients(store);
    this.suffix = createHash('sha1').update(publishableKey).digest('base64url').slice(0, 8);
  }

  /** The Cookie header of a browser with a signed-in session. */
  cookieHeader(token: SessionTokenOptions = {}): string {
    return Object.entries(this.signedIn(this.sessionFor(token), token))
      .map((pair) => pair.join('='))
      .join('; ');
  }

  /** A handshake that signs a session in, or with `null` out. */
  handshake(token: SessionTokenOptions | null = {}): Handshake {
    return this.createHandshake(token ? this.signedIn(this.sessionFor(token), token) : this.signedOut());
  }

  /** A handshake that passes the current state of a browser to an application. */
  handshakeOf(client: Client, authorizedParty: string): Handshake {
    const session = this.clients.sessionOf(client);
    return this.createHandshake(
      session ? this.signedIn(session, { authorizedParty }) : { ...this.signedOut(), ...this.devBrowser(client) },
    );
  }

  /** Returns the directives of a nonce and invalidates it. */
  redeem(nonce: string): { directives: readonly string[] } {
    const directives = this.nonces.get(nonce);
    if (!directives) throw notFound('The handshake payload');
    this.nonces.delete(nonce);
    return { directives };
  }

  /** New cookies for an expired session token. */
  refresh(sessionId: string, refreshToken: string, authorizedParty?: string): object {
    const session = this.store.sessions.get(sessionId);
    if (!session || this.refreshTokens.get(refreshToken) !== sessionId) {
      throw new ApiError(401, 'invalid_refresh_token', 'The refresh token does not belong to the session');
    }
    if (session.status !== 'active') throw new ApiError(401, 'session_not_active', 'The session is not active');
    return { object: 'cookies', cookies: toDirectives(this.signedIn(session, { authorizedParty })) };
  }

  /** The cookies that tell the applications of a production instance that a user signed in or out. */
  announcement(client: Client): string[] {
    const session = this.clients.sessionOf(client);
    return toDirectives(this.bothNames('__client_uat', session ? String(Math.floor(session.created_at / 1000)) : '0'));
  }

  clear(): void {
    this.clients.clear();
    this.nonces.clear();
    this.refreshTokens.clear();
  }

  /** The cookies of a browser, under plain and suffixed names. */
  private signedIn(session: StoredSession, token: SessionTokenOptions): Cookies {
    const refreshToken = randomText(40);
    this.refreshTokens.set(refreshToken, session.id);
    // The sign-in must not be later than the issue of the token, which tests may backdate.
    const { issuedAt = new Date() } = token;
    const issued = typeof issuedAt === 'number' ? issuedAt : issuedAt.getTime() / 1000;
    const updated = Math.floor(Math.min(session.created_at / 1000, issued));
    return {
      ...this.bothNames('__session', this.tokens.sessionToken({ ...token, session })),
      ...this.bothNames('__client_uat', String(updated)),
      ...this.devBrowser(this.clients.clientOf(session)),
      [`__refresh_${this.suffix}`]: refreshToken,
    };
  }

  private signedOut(): Cookies {
    return {
      ...this.bothNames('__session', ''),
      ...this.bothNames('__client_uat', '0'),
      [`__refresh_${this.suffix}`]: '',
    };
  }

  private devBrowser({ token }: Client): Cookies {
    return this.isDevelopment ? this.bothNames('__clerk_db_jwt', token) : {};
  }

  private createHandshake(cookies: Cookies): Handshake {
    const directives = toDirectives({ ...cookies, ...(this.isDevelopment ? {} : CLEARED_HANDSHAKE) });
    const nonce = randomText(32);
    this.nonces.set(nonce, directives);
    return { nonce, token: this.keys.sign({ claims: { handshake: directives } }) };
  }

  private sessionFor({ session, user, organization, sessionStatus }: SessionTokenOptions): StoredSession {
    if (session !== undefined) return this.store.session(session);
    return this.store.createSession({ user: user ?? this.store.createUser(), organization, status: sessionStatus });
  }

  private bothNames(name: string, value: string): Cookies {
    return { [name]: value, [`${name}_${this.suffix}`]: value };
  }
}

/** A production instance passes the handshake in a cookie, which must be deleted after use. */
const CLEARED_HANDSHAKE: Cookies = { __clerk_handshake: '', __clerk_handshake_nonce: '' };

const YEAR_IN_SECONDS = 365 * 24 * 60 * 60;

/** Cookies as `Set-Cookie` lines. All but the refresh token are readable by scripts. */
function toDirectives(cookies: Cookies): string[] {
  return Object.entries(cookies).map(([name, value]) => {
    const lifetime = value === '' ? 0 : YEAR_IN_SECONDS;
    const line = `${name}=${value}; Path=/; SameSite=Lax; Max-Age=${lifetime}`;
    return name.startsWith('__refresh') ? `${line}; HttpOnly` : line;
  });
}
