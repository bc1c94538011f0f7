import { createHash } from 'node:crypto';

import { ApiError, notFound } from '../api-error.js';
import { randomText } from '../ids.js';
import type { StoredSession } from '../resources.js';
import type { SigningKeys } from '../signing-keys.js';
import type { Store } from '../store.js';
import type { TokenIssuer } from '../token-issuer.js';
import type { SessionTokenOptions } from '../token-options.js';
import { Clients, type Client } from './clients.js';

/** How the Frontend API hands a browser's session over to an application: by a nonce, or inside a signed token. */
export interface Handshake {
  /** Value of the query parameter or cookie `__clerk_handshake_nonce`. Good for one use. */
  readonly nonce: string;
  /** Value of the query parameter or cookie `__clerk_handshake`. */
  readonly token: string;
}

type Cookies = Readonly<Record<string, string>>;

/** What Clerk keeps in browsers: cookies, refresh tokens and handshakes. */
export class BrowserSessions {
  readonly clients: Clients;
  private readonly suffix: string;
  private readonly nonces = new Map<string, readonly string[]>();
  private readonly refreshTokens = new Map<string, string>();

  constructor(
    private readonly store: Store,
    private readonly tokens: TokenIssuer,
    private readonly keys: SigningKeys,
    /** Browsers carry a development instance's client around themselves; a production instance keeps it on its own host. */
    readonly isDevelopment: boolean,
    publishableKey: string,
  ) {
    this.clients = new Clients(store);
    this.suffix = createHash('sha1').update(publishableKey).digest('base64url').slice(0, 8);
  }

  /** The Cookie header of a browser in which a session is signed in. */
  cookieHeader(token: SessionTokenOptions = {}): string {
    return Object.entries(this.signedIn(this.sessionFor(token), token))
      .map((pair) => pair.join('='))
      .join('; ');
  }

  /** A handshake that signs a session in, or out where there is none. */
  handshake(token: SessionTokenOptions | null = {}): Handshake {
    return this.hold(token ? this.signedIn(this.sessionFor(token), token) : this.signedOut());
  }

  /** A handshake that tells an application how things stand in a browser. */
  handshakeOf(client: Client, authorizedParty: string): Handshake {
    const session = this.clients.sessionOf(client);
    return this.hold(
      session ? this.signedIn(session, { authorizedParty }) : { ...this.signedOut(), ...this.devBrowser(client) },
    );
  }

  /** What a nonce stands for; it is spent by this. */
  spend(nonce: string): { directives: readonly string[] } {
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

  /** The cookies that tell a production instance's applications, beside its Frontend API, that somebody signed in or out. */
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
    // The browser signed in no later than its token was issued, though tests date tokens back.
    const { issuedAt = new Date() } = token;
    const issued = typeof issuedAt === 'number' ? issuedAt : issuedAt.getTime() / 1000;
    const updated = Math.floor(Math.min(session.created_at / 1000, issued));
    return {
      ...this.bothNames('__session', this.tokens.sessionToken({ ...token, session })),
      ...this.bothNames('__client_uat', String(updated)),
      ...this.devBrowser(this.clients.holding(session)),
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

  private hold(cookies: Cookies): Handshake {
    const directives = toDirectives({ ...cookies, ...(this.isDevelopment ? {} : SPENT_HANDSHAKE) });
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

/** A production instance hands over by cookie, which has to go once it was used. */
const SPENT_HANDSHAKE: Cookies = { __clerk_handshake: '', __clerk_handshake_nonce: '' };

const YEAR_IN_SECONDS = 365 * 24 * 60 * 60;

/** Cookies as `Set-Cookie` lines. Scripts read all of them but the refresh token. */
function toDirectives(cookies: Cookies): string[] {
  return Object.entries(cookies).map(([name, value]) => {
    const lifetime = value === '' ? 0 : YEAR_IN_SECONDS;
    const line = `${name}=${value}; Path=/; SameSite=Lax; Max-Age=${lifetime}`;
    return name.startsWith('__refresh') ? `${line}; HttpOnly` : line;
  });
}
