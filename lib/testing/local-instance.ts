import type { KeyObject } from 'node:crypto';

import type { JwtTemplateJSON, OrganizationJSON, OrganizationMembershipJSON, UserJSON } from '@clerk/backend';

import { randomText, type Ref } from './ids.js';
import { LocalClerkError } from './local-clerk.error.js';
import type {
  CreateOrganizationOptions,
  CreateSessionOptions,
  CreateUserOptions,
  MachineJSON,
  StoredSession,
} from './resources.js';
import { SigningKeys, type SignOptions } from './signing-keys.js';
import { Store, type TemplateOptions } from './store.js';
import {
  subjectOf,
  TokenIssuer,
  type IssuedMachineToken,
  type MachineTokenOptions,
  type SessionTokenOptions,
  type TokenOptions,
} from './token-issuer.js';

/** A Clerk instance in memory: its keys, whom it knows, and the tokens it makes. */
export abstract class LocalInstance {
  /** The instance's secret key, made up at start. */
  readonly secretKey = `sk_test_${randomText(42)}`;
  private readonly host = `local-${randomText(10).toLowerCase()}.clerk.accounts.dev`;
  /** The instance's publishable key, made up at start. */
  readonly publishableKey = `pk_test_${Buffer.from(`${this.host}$`).toString('base64')}`;
  /** The `iss` of its tokens: the origin of its Frontend API. */
  readonly issuer = `https://${this.host}`;

  protected readonly store = new Store();
  protected readonly keys = new SigningKeys();
  protected readonly tokens = new TokenIssuer(this.store, this.keys, this.issuer);

  /** The current public key as PEM: the option `jwtKey`, for verification without network. */
  get jwtKey(): string {
    return this.keys.pem;
  }

  /** The private half of it, for forgeries: `other.sessionToken({ key: clerk })`. */
  get signingKey(): KeyObject {
    return this.keys.current.privateKey;
  }

  createUser(options?: CreateUserOptions): UserJSON {
    return this.store.createUser(options);
  }

  createOrganization(options?: CreateOrganizationOptions): OrganizationJSON {
    return this.store.createOrganization(options);
  }

  /** @param options `role` is `org:member` unless given; `permissions` are those that the role grants. */
  addMember(options: {
    readonly organization: Ref;
    readonly user: Ref;
    readonly role?: string;
    readonly permissions?: readonly string[];
  }): OrganizationMembershipJSON {
    const { organization, user, role = 'org:member', permissions = [] } = options;
    return this.store.addMember(organization, user, role, permissions);
  }

  createSession(options: CreateSessionOptions): StoredSession {
    return this.store.createSession(options);
  }

  /** A machine, with its `secret_key`. */
  createMachine(options: { readonly name?: string; readonly scopedMachines?: readonly Ref[] } = {}): MachineJSON {
    return this.store.createMachine(options.name, options.scopedMachines);
  }

  createJwtTemplate(options: TemplateOptions): JwtTemplateJSON {
    return this.store.createTemplate(options);
  }

  /** A session token, good for a minute unless told otherwise. With nothing given, somebody is made up. */
  async sessionToken(options?: SessionTokenOptions): Promise<string> {
    return this.tokens.sessionToken(options);
  }

  /** A token of a JWT template: signed by the same key, and no session token. */
  async templateToken(options?: TokenOptions & { readonly user?: Ref }): Promise<string> {
    return this.tokens.templateToken(options);
  }

  /** An API key of a user or an organization; `secret` is what callers send. */
  createApiKey(options: MachineTokenOptions & { readonly subject: Ref; readonly name?: string }) {
    const { subject, name = 'key', format: _, ...rest } = options;
    const { token, secret } = this.store.machineTokens.create({
      kind: 'api_key',
      subject: subjectOf(this.store, subject),
      ...rest,
      more: { name, description: null, created_by: null, last_used_at: null },
    });
    return { ...token, secret };
  }

  /** An M2M token of a machine; `token` is what callers send. */
  async createM2MToken(options: MachineTokenOptions & { readonly machine: Ref }): Promise<IssuedMachineToken> {
    return this.tokens.m2mToken(options);
  }

  /** An OAuth access token of a user; `token` is what callers send. */
  async createOAuthToken(
    options: MachineTokenOptions & { readonly user: Ref; readonly clientId?: string },
  ): Promise<IssuedMachineToken> {
    return this.tokens.oauthToken(options);
  }

  /** Revokes a session (by id), or a machine token (by id or by what callers send). JWTs stay good until they expire. */
  revoke(ref: Ref): void {
    const id = typeof ref === 'string' ? ref : ref.id;
    const session = this.store.sessions.get(id);
    if (session) session.status = 'revoked';
    else if (!this.store.machineTokens.revoke(id)) {
      throw new LocalClerkError('unknown-resource', 'The local Clerk has no such session or machine token to revoke.');
    }
  }

  /** Signs anything with the instance's key, or another. */
  sign(options: SignOptions): string {
    return this.keys.sign(options);
  }

  /** Makes a new signing key current; the old one stays published. @returns the new `kid`. */
  rotateKey(): string {
    return this.keys.rotate();
  }

  /** Publishes a former signing key no longer. */
  retireKey(kid: string): void {
    this.keys.retire(kid);
  }

  /** The `kid` of the current signing key. */
  get keyId(): string {
    return this.keys.current.kid;
  }
}
