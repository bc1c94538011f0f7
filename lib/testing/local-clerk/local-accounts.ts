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

/** Whom an instance knows, and what each of them may send. */
export abstract class LocalAccounts extends LocalInstance {
  /**
   * A user that this instance knows.
   * @example
   * const ada = clerk.createUser({ firstName: 'Ada', publicMetadata: { tier: 'gold' } });
   * @see https://clerk.com/docs/reference/backend/types/backend-user
   */
  createUser(options?: CreateUserOptions): UserJSON {
    return this.store.createUser(options);
  }

  /**
   * An organization without members.
   * @see https://clerk.com/docs/reference/backend/types/backend-organization
   */
  createOrganization(options?: CreateOrganizationOptions): OrganizationJSON {
    return this.store.createOrganization(options);
  }

  /**
   * Makes a user a member of an organization.
   * @param options `role` is `org:member` unless given; `permissions` are those that the role grants, by default what
   * other members have by the same role.
   * @throws LocalClerkError with code `unknown-resource`.
   * @example
   * clerk.addMember({ organization, user, role: 'org:admin', permissions: ['org:invoices:create'] });
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
   * A session of a user; tokens are made of it with {@link sessionToken}.
   * @throws LocalClerkError with code `unknown-resource`.
   */
  createSession(options: CreateSessionOptions): StoredSession {
    return this.store.createSession(options);
  }

  /** A machine, with its `secret_key`, which is the option `machineSecretKey` of the app that it stands for. */
  createMachine(options: { readonly name?: string; readonly scopedMachines?: readonly Ref[] } = {}): MachineJSON {
    return this.store.createMachine(options.name, options.scopedMachines);
  }

  /**
   * The Cookie header of a browser in which somebody is signed in.
   * @param options What the session token in it is made of; `session` is made up unless given.
   * @throws LocalClerkError with code `unknown-resource`.
   * @example
   * await fetch(url, { headers: { cookie: await clerk.browserCookies({ user: ada }) } });
   */
  async browserCookies(options?: SessionTokenOptions): Promise<string> {
    return this.browsers.cookieHeader(options);
  }

  /**
   * A handshake, as the Frontend API sends a browser back with: in the URL or as a cookie, by `nonce` or by `token`.
   * @param options What the session token in it is made of, or `null` for a browser that is signed out.
   * @throws LocalClerkError with code `unknown-resource`.
   * @example
   * const { nonce } = await clerk.createHandshake({ user: ada });
   * await fetch(`${url}?__clerk_handshake_nonce=${nonce}`, { headers: { accept: 'text/html' } });
   */
  async createHandshake(options?: SessionTokenOptions | null): Promise<Handshake> {
    return this.browsers.handshake(options);
  }

  /** A JWT template, for {@link templateToken} and for `clerkClient.sessions.getToken()`. */
  createJwtTemplate(options: TemplateOptions): JwtTemplateJSON {
    return this.store.createTemplate(options);
  }

  /**
   * A session token, version 2, good for a minute unless told otherwise. With nothing given, somebody is made up.
   * @throws LocalClerkError with code `unknown-resource`.
   * @example
   * await clerk.sessionToken({ user: ada, organization: acme, permissions: ['org:invoices:create'] });
   * await clerk.sessionToken({ header: { alg: 'none' } }); // one of many forgeries
   * @see https://clerk.com/docs/guides/sessions/session-tokens
   */
  async sessionToken(options?: SessionTokenOptions): Promise<string> {
    return this.tokens.sessionToken(options);
  }

  /**
   * A token of a JWT template: signed by the same key, and no session token.
   * @see https://clerk.com/docs/guides/sessions/jwt-templates
   */
  async templateToken(options?: TemplateTokenOptions): Promise<string> {
    return this.tokens.templateToken(options);
  }

  /** An API key of a user or an organization; `secret` is what callers send. */
  createApiKey(options: ApiKeyOptions): IssuedApiKey {
    return this.tokens.apiKey(options);
  }

  /** An M2M token of a machine; `token` is what callers send. */
  async createM2MToken(options: M2MTokenOptions): Promise<IssuedMachineToken> {
    return this.tokens.m2mToken(options);
  }

  /** An OAuth access token of a user; `token` is what callers send. */
  async createOAuthToken(options: OAuthTokenOptions): Promise<IssuedMachineToken> {
    return this.tokens.oauthToken(options);
  }

  /**
   * Revokes a session (by id), or an opaque machine token (by id or by what callers send).
   * @throws LocalClerkError with code `unknown-resource`, or `not-revocable` for a JWT.
   */
  revoke(ref: Ref): void {
    const id = idOf(ref);
    const session = this.store.sessions.get(id);
    if (session) session.status = 'revoked';
    else this.store.machineTokens.revoke(id);
  }
}
