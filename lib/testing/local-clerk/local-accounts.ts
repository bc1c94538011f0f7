import type { JwtTemplateJSON, OrganizationJSON, OrganizationMembershipJSON, UserJSON } from '@clerk/backend';

import type { Handshake } from './frontend-api/browser-sessions.js';
import { idOf, type Ref } from './ids.js';
import { LocalInstance } from './local-instance.js';
import type {
  CreateOrganizationOptions,
  CreateSessionOptions,
  CreateUserOptions,
  MachineJSON,
  StoredSession,
} from './resources.js';
import type { TemplateOptions } from './store.js';
import type {
  ApiKeyOptions,
  IssuedApiKey,
  IssuedMachineToken,
  M2MTokenOptions,
  OAuthTokenOptions,
  SessionTokenOptions,
  TemplateTokenOptions,
} from './token-options.js';

/** The users, organizations, machines and tokens of an instance. */
export abstract class LocalAccounts extends LocalInstance {
  /**
   * Creates a user.
   * @example
   * ```ts
   * const ada = clerk.createUser({ firstName: 'Ada', publicMetadata: { tier: 'gold' } });
   * ```
   * @see https://clerk.com/docs/reference/backend/types/backend-user
   */
  createUser(options?: CreateUserOptions): UserJSON {
    return this.store.createUser(options);
  }

  /**
   * Creates an organization without members.
   * @see https://clerk.com/docs/reference/backend/types/backend-organization
   */
  createOrganization(options?: CreateOrganizationOptions): OrganizationJSON {
    return this.store.createOrganization(options);
  }

  /**
   * Makes a user a member of an organization.
   * @param options `role` is `org:member` by default; `permissions` are those of the role, by default those of other
   * members with the same role.
   * @throws LocalClerkError with code `unknown-resource`.
   * @example
   * ```ts
   * clerk.addMember({ organization, user, role: 'org:admin', permissions: ['org:invoices:create'] });
   * ```
   */
  addMember(options: {
    readonly organization: Ref;
    readonly user: Ref;
    readonly role?: string;
    readonly permissions?: readonly string[];
  }): OrganizationMembershipJSON {
    const { organization, user, role = 'org:member', permissions } = options;
    return this.store.addMember(organization, user, role, permissions);
  }

  /**
   * Creates a session of a user, for tokens from {@link sessionToken}.
   * @throws LocalClerkError with code `unknown-resource`.
   */
  createSession(options: CreateSessionOptions): StoredSession {
    return this.store.createSession(options);
  }

  /** Creates a machine. Its `secret_key` is the option `machineSecretKey` of the application that it represents. */
  createMachine(options: { readonly name?: string; readonly scopedMachines?: readonly Ref[] } = {}): MachineJSON {
    return this.store.createMachine(options.name, options.scopedMachines);
  }

  /**
   * Returns the Cookie header of a browser with a signed-in user.
   * @param options Options of the session token in it; a session is created if none is given.
   * @throws LocalClerkError with code `unknown-resource`.
   * @example
   * ```ts
   * await fetch(url, { headers: { cookie: await clerk.browserCookies({ user: ada }) } });
   * ```
   */
  async browserCookies(options?: SessionTokenOptions): Promise<string> {
    return this.browsers.cookieHeader(options);
  }

  /**
   * Creates the handshake with which the Frontend API redirects a browser back: in the URL or as a cookie, as `nonce` or
   * as `token`.
   * @param options Options of the session token in it, or `null` for a browser that is signed out.
   * @throws LocalClerkError with code `unknown-resource`.
   * @example
   * ```ts
   * const { nonce } = await clerk.createHandshake({ user: ada });
   * await fetch(`${url}?__clerk_handshake_nonce=${nonce}`, { headers: { accept: 'text/html' } });
   * ```
   */
  async createHandshake(options?: SessionTokenOptions | null): Promise<Handshake> {
    return this.browsers.handshake(options);
  }

  /** Creates a JWT template, for {@link templateToken} and for `clerkClient.sessions.getToken()`. */
  createJwtTemplate(options: TemplateOptions): JwtTemplateJSON {
    return this.store.createTemplate(options);
  }

  /**
   * Issues a version 2 session token, valid for a minute by default. Without options, a user is created for it.
   * @throws LocalClerkError with code `unknown-resource`.
   * @example
   * ```ts
   * await clerk.sessionToken({ user: ada, organization: acme, permissions: ['org:invoices:create'] });
   * await clerk.sessionToken({ header: { alg: 'none' } }); // one of many forgeries
   * ```
   * @see https://clerk.com/docs/guides/sessions/session-tokens
   */
  async sessionToken(options?: SessionTokenOptions): Promise<string> {
    return this.tokens.sessionToken(options);
  }

  /**
   * Issues a token of a JWT template: signed with the same key, but not a session token.
   * @see https://clerk.com/docs/guides/sessions/jwt-templates
   */
  async templateToken(options?: TemplateTokenOptions): Promise<string> {
    return this.tokens.templateToken(options);
  }

  /** Creates an API key of a user or an organization; callers send its `secret`. */
  createApiKey(options: ApiKeyOptions): IssuedApiKey {
    return this.tokens.apiKey(options);
  }

  /** Issues an M2M token of a machine; callers send its `token`. */
  async createM2MToken(options: M2MTokenOptions): Promise<IssuedMachineToken> {
    return this.tokens.m2mToken(options);
  }

  /** Issues an OAuth access token of a user; callers send its `token`. */
  async createOAuthToken(options: OAuthTokenOptions): Promise<IssuedMachineToken> {
    return this.tokens.oauthToken(options);
  }

  /**
   * Revokes a session (by id) or an opaque machine token (by id or by its secret).
   * @throws LocalClerkError with code `unknown-resource`, or `not-revocable` for a JWT.
   */
  revoke(ref: Ref): void {
    const id = idOf(ref);
    const session = this.store.sessions.get(id);
    if (session) session.status = 'revoked';
    else this.store.machineTokens.revoke(id);
  }
}
