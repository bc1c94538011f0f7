import { randomBytes } from 'node:crypto';

import { randomText } from './ids.js';
import { LocalClerkError } from './local-clerk.error.js';

/** The types of machine tokens, as the Backend API names the resources. */
const OBJECTS = {
  api_key: 'api_key',
  m2m_token: 'machine_to_machine_token',
  oauth_token: 'clerk_idp_oauth_access_token',
} as const;

/** The prefixes of ids and secrets, followed by 32 hexadecimal digits in ids, 40 letters and digits in secrets. */
const PREFIXES = { api_key: 'ak_', m2m_token: 'mt_', oauth_token: 'oat_' } as const;

export type MachineTokenKind = keyof typeof OBJECTS;

/** A machine token as the Backend API returns it, with its secret. */
export interface MachineTokenJSON {
  readonly object: (typeof OBJECTS)[MachineTokenKind];
  readonly id: string;
  readonly type: MachineTokenKind;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly claims: Readonly<Record<string, unknown>> | null;
  revoked: boolean;
  revocation_reason: string | null;
  readonly expired: boolean;
  /** In milliseconds since 1970; `null` for never. */
  readonly expiration: number | null;
  readonly created_at: number;
  updated_at: number;
  /** API keys. */
  readonly name?: string;
  readonly description?: string | null;
  readonly created_by?: string | null;
  readonly last_used_at?: number | null;
  /** OAuth access tokens. */
  readonly client_id?: string;
}

export interface NewMachineToken {
  readonly kind: MachineTokenKind;
  readonly subject: string;
  readonly scopes?: readonly string[];
  readonly claims?: Readonly<Record<string, unknown>> | null;
  /** Negative for a token that expired in the past; `null` for never. @default null */
  readonly secondsUntilExpiration?: number | null;
  /** For a JWT only the id is stored, since it is verified by signature. @default false */
  readonly stateless?: boolean;
  readonly more?: Partial<MachineTokenJSON>;
}

/** Opaque machine tokens by their secret. */
export class MachineTokens {
  private readonly bySecret = new Map<string, MachineTokenJSON>();
  private readonly statelessIds = new Set<string>();

  create(options: NewMachineToken): { token: MachineTokenJSON; secret: string } {
    const { kind, subject, scopes = [], claims = null, secondsUntilExpiration = null, stateless, more } = options;
    const now = Date.now();
    const expiration = secondsUntilExpiration === null ? null : now + secondsUntilExpiration * 1000;
    const token: MachineTokenJSON = {
      object: OBJECTS[kind],
      id: PREFIXES[kind] + randomBytes(16).toString('hex'),
      type: kind,
      subject,
      scopes,
      claims,
      revoked: false,
      revocation_reason: null,
      get expired() {
        return expiration !== null && expiration <= Date.now();
      },
      expiration,
      created_at: now,
      updated_at: now,
      ...more,
    };
    const secret = PREFIXES[kind] + randomText(40);
    if (stateless) this.statelessIds.add(token.id);
    else this.bySecret.set(secret, token);
    return { token, secret };
  }

  /** The token with this secret, if it is valid. */
  verify(kind: MachineTokenKind, secret: string): MachineTokenJSON | undefined {
    const token = this.bySecret.get(secret);
    return token?.type === kind && !token.revoked && !token.expired ? token : undefined;
  }

  /** Tokens of one kind, the newest first. */
  list(kind: MachineTokenKind): MachineTokenJSON[] {
    return [...this.bySecret.values()].filter((token) => token.type === kind).reverse();
  }

  find(kind: MachineTokenKind, id: string | undefined): MachineTokenJSON | undefined {
    return this.list(kind).find((token) => token.id === id);
  }

  secretOf(token: MachineTokenJSON): string | undefined {
    return [...this.bySecret].find(([, stored]) => stored === token)?.[0];
  }

  /**
   * Revokes a token by id or by secret.
   * @throws LocalClerkError for a JWT (`not-revocable`), or if there is no such token (`unknown-resource`).
   */
  revoke(idOrSecret: string, reason: string | null = null): MachineTokenJSON {
    const all = [...this.bySecret.values()];
    const token = this.bySecret.get(idOrSecret) ?? all.find(({ id }) => id === idOrSecret);
    if (token) return Object.assign(token, { revoked: true, revocation_reason: reason, updated_at: Date.now() });
    if (this.statelessIds.has(idOrSecret) || idOrSecret.split('.').length === 3) {
      throw new LocalClerkError(
        'not-revocable',
        'A JWT cannot be revoked, as with Clerk: it stays valid until it expires. Issue it with a short secondsUntilExpiration, or use an opaque token.',
      );
    }
    throw new LocalClerkError(
      'unknown-resource',
      'The local Clerk has no such session or machine token to revoke: create it with createSession(), createApiKey(), createM2MToken() or createOAuthToken() first.',
    );
  }

  clear(): void {
    this.bySecret.clear();
    this.statelessIds.clear();
  }
}
