import { newId, randomText } from './ids.js';

/** The kinds of machine tokens, as the Backend API calls the resources. */
const OBJECTS = {
  api_key: 'api_key',
  m2m_token: 'machine_to_machine_token',
  oauth_token: 'clerk_idp_oauth_access_token',
} as const;

const ID_PREFIXES = { api_key: 'apikey', m2m_token: 'mt', oauth_token: 'oat' } as const;
const SECRET_PREFIXES = { api_key: 'ak_', m2m_token: 'mt_', oauth_token: 'oat_' } as const;

export type MachineTokenKind = keyof typeof OBJECTS;

/** A machine token of any kind, as the Backend API answers it, and its secret text. */
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
  /** Negative for a token that expired in the past. */
  readonly secondsUntilExpiration?: number | null;
  readonly more?: Partial<MachineTokenJSON>;
}

/** Machine tokens by id, with the opaque text that callers send. JWTs are not kept: Clerk verifies them by their key. */
export class MachineTokens {
  private readonly bySecret = new Map<string, MachineTokenJSON>();

  create({ kind, subject, scopes, claims, secondsUntilExpiration, more }: NewMachineToken): {
    token: MachineTokenJSON;
    secret: string;
  } {
    const now = Date.now();
    const expiration = typeof secondsUntilExpiration === 'number' ? now + secondsUntilExpiration * 1000 : null;
    const token: MachineTokenJSON = {
      object: OBJECTS[kind],
      id: newId(ID_PREFIXES[kind]),
      type: kind,
      subject,
      scopes: scopes ?? [],
      claims: claims ?? null,
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
    const secret = SECRET_PREFIXES[kind] + randomText(40);
    this.bySecret.set(secret, token);
    return { token, secret };
  }

  /** The token that this text is, if it is good. */
  verify(kind: MachineTokenKind, secret: unknown): MachineTokenJSON | undefined {
    const token = typeof secret === 'string' ? this.bySecret.get(secret) : undefined;
    return token && token.type === kind && !token.revoked && !token.expired ? token : undefined;
  }

  list(kind: MachineTokenKind): MachineTokenJSON[] {
    return [...this.bySecret.values()].filter((token) => token.type === kind).reverse();
  }

  secretOf(id: string): string | undefined {
    return [...this.bySecret].find(([, token]) => token.id === id)?.[0];
  }

  /** @returns the revoked token, or `undefined` where there is none with this id or secret. */
  revoke(idOrSecret: string, reason: string | null = null): MachineTokenJSON | undefined {
    const token = this.bySecret.get(idOrSecret) ?? [...this.bySecret.values()].find(({ id }) => id === idOrSecret);
    if (!token) return undefined;
    Object.assign(token, { revoked: true, revocation_reason: reason, updated_at: Date.now() });
    return token;
  }

  clear(): void {
    this.bySecret.clear();
  }
}
