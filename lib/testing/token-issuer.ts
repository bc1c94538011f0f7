import type { KeyObject } from 'node:crypto';

import { idOf, newId, randomText, type Ref } from './ids.js';
import type { MachineTokenJSON } from './machine-tokens.js';
import { sessionClaims } from './session-claims.js';
import type { SigningKeys } from './signing-keys.js';
import type { Store } from './store.js';

/** Everything about a token that can be bent. */
export interface TokenOptions {
  /** Replaces, adds, or with `undefined` removes claims. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Replaces, adds, or with `undefined` removes fields of the protected header. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** In seconds since 1970, or as a date. @default now */
  readonly issuedAt?: number | Date;
  /** In seconds after `issuedAt`; negative for a token that expired before it was made. @default 60 */
  readonly expiresIn?: number;
  /** In seconds since 1970, or as a date. @default 10 s before `issuedAt` */
  readonly notBefore?: number | Date;
  /** Signs with the key of another local Clerk, or any private key, under this instance's `kid`: a forgery. */
  readonly key?: { readonly signingKey: KeyObject } | KeyObject;
}

/** What a session token is made of. With nothing given, a user and a session are made for it. */
export interface SessionTokenOptions extends TokenOptions {
  readonly user?: Ref;
  /** A session made before; gives user, organization and the rest where they are not given. */
  readonly session?: Ref;
  /** The active organization. */
  readonly organization?: Ref;
  /** @default the user's role in the organization, else 'org:member' */
  readonly role?: string;
  /** @default the user's permissions in the organization, else none */
  readonly permissions?: readonly string[];
  readonly features?: readonly string[];
  readonly plans?: readonly string[];
  /** @default 'active' */
  readonly sessionStatus?: 'active' | 'pending';
  /** Minutes since first and second factor; -1 for never. @default [0, -1] */
  readonly factorVerificationAge?: readonly [number, number];
  readonly actor?: { readonly sub: string } & Record<string, unknown>;
  /** The frontend's origin, the `azp` claim. @default 'http://localhost:3000' */
  readonly authorizedParty?: string;
}

/** What a machine token of any kind is made of. */
export interface MachineTokenOptions {
  readonly scopes?: readonly string[];
  readonly claims?: Readonly<Record<string, unknown>> | null;
  /** Negative for a token that expired in the past. @default never (opaque tokens), an hour (JWTs) */
  readonly secondsUntilExpiration?: number | null;
  /** @default 'opaque' */
  readonly format?: 'opaque' | 'jwt';
}

/** A machine token, and the text a caller sends. */
export type IssuedMachineToken = MachineTokenJSON & { readonly token: string };

/** Categories in the protected header, by which Clerk tells its JWTs apart. */
const CATEGORY = {
  session: 'cl_B7d4PD111AAA',
  template: 'cl_B7d4PD222AAA',
  m2m: 'cl_B7d4PD333AAA',
} as const;

/** Makes the tokens of an instance. */
export class TokenIssuer {
  constructor(
    private readonly store: Store,
    private readonly keys: SigningKeys,
    private readonly issuer: string,
  ) {}

  sessionToken(options: SessionTokenOptions = {}): string {
    const { store } = this;
    const given = options.session === undefined ? undefined : store.session(options.session);
    const user = store.user(options.user ?? given?.user_id ?? store.createUser());
    const organizationRef = options.organization ?? given?.last_active_organization_id;
    const organization = organizationRef === undefined ? undefined : store.organization(organizationRef);
    const session = given ?? store.createSession({ ...options, user, organization, status: options.sessionStatus });
    const membership = organization && store.membership(organization.id, user.id);
    const status = options.sessionStatus ?? (session.status === 'pending' ? 'pending' : 'active');

    return this.sign(options, CATEGORY.session, 60, {
      azp: options.authorizedParty ?? 'http://localhost:3000',
      sub: user.id,
      sid: session.id,
      ...sessionClaims({
        status,
        organization: organization && {
          id: organization.id,
          slug: organization.slug,
          role: options.role ?? membership?.role ?? 'org:member',
          permissions: options.permissions ?? membership?.permissions ?? [],
        },
        features: options.features ?? session.claimed.features,
        plans: options.plans ?? session.claimed.plans,
        factorVerificationAge: options.factorVerificationAge ?? session.claimed.factorVerificationAge ?? [0, -1],
        actor: options.actor ?? session.actor,
      }),
    });
  }

  templateToken(options: TokenOptions & { user?: Ref; lifetime?: number } = {}): string {
    const user = this.store.user(options.user ?? this.store.createUser());
    return this.sign(options, CATEGORY.template, options.lifetime ?? 60, { sub: user.id });
  }

  m2mToken(options: MachineTokenOptions & { machine: Ref }): IssuedMachineToken {
    const machine = this.store.machine(options.machine);
    const scopes = options.scopes ?? machine.scoped_machines.map(({ id }) => id);
    const { token, secret } = this.store.machineTokens.create({
      kind: 'm2m_token',
      subject: machine.id,
      ...options,
      scopes,
    });
    if (options.format !== 'jwt') return { ...token, token: secret };
    const claims = { ...options.claims, sub: machine.id, jti: token.id, scopes: scopes.join(' ') };
    return { ...token, token: this.machineJwt(options, { cat: CATEGORY.m2m }, claims) };
  }

  oauthToken(options: MachineTokenOptions & { user: Ref; clientId?: string }): IssuedMachineToken {
    const subject = this.store.user(options.user).id;
    const { scopes = ['profile', 'email'], clientId = newId('client') } = options;
    const more = { client_id: clientId };
    const { token, secret } = this.store.machineTokens.create({
      kind: 'oauth_token',
      subject,
      ...options,
      scopes,
      more,
    });
    if (options.format !== 'jwt') return { ...token, token: secret };
    const claims = {
      ...options.claims,
      sub: subject,
      jti: token.id,
      client_id: clientId,
      scope: scopes.join(' '),
    };
    return { ...token, token: this.machineJwt(options, { typ: 'at+jwt' }, claims) };
  }

  private machineJwt({ secondsUntilExpiration }: MachineTokenOptions, header: object, claims: object): string {
    const expiresIn = secondsUntilExpiration ?? 3600;
    return this.sign({ expiresIn, header: { cat: undefined, ...header } }, CATEGORY.m2m, expiresIn, claims);
  }

  private sign(options: TokenOptions, category: string, lifetime: number, claims: object): string {
    const issuedAt = seconds(options.issuedAt ?? new Date());
    const { key } = options;
    return this.keys.sign({
      header: { cat: category, ...options.header },
      claims: {
        iss: this.issuer,
        iat: issuedAt,
        nbf: options.notBefore === undefined ? issuedAt - 10 : seconds(options.notBefore),
        exp: issuedAt + (options.expiresIn ?? lifetime),
        jti: randomText(20),
        ...claims,
        ...options.claims,
      },
      privateKey: key && 'signingKey' in key ? key.signingKey : key,
    });
  }
}

function seconds(time: number | Date): number {
  return typeof time === 'number' ? time : Math.floor(time.getTime() / 1000);
}

/** Subjects of API keys: users and organizations. */
export function subjectOf(store: Store, ref: Ref): string {
  const id = idOf(ref);
  return id.startsWith('org_') ? store.organization(id).id : store.user(id).id;
}
