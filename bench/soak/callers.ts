import { LocalClerk, type SessionTokenOptions } from 'nest-clerk/testing';

import type { KeyRotation } from './key-rotation.js';
import type { Random } from './random.js';

/** A user with a session. */
export interface User {
  readonly id: string;
  readonly session: string;
  /** Whether the user has the permission in the active organization. */
  readonly mayCreateInvoices: boolean;
}

/** A token that is used repeatedly, also after it has expired. */
export interface ReusedToken {
  readonly token: string;
  readonly user: User;
  /** In milliseconds since 1970, including the clock skew. */
  readonly expiry: number;
  readonly kid: string;
}

export interface ApiKey {
  readonly secret: string;
  readonly owner: string;
  uses: number;
  /** In milliseconds since 1970. */
  revokedAt: number;
}

const USER_COUNT = 24;
const API_KEY_COUNT = 6;
/** The default of `clockSkewInMs`. */
const CLOCK_SKEW_MS = 5_000;
/** How long an expired token or a revoked key is still sent. */
const SENT_AFTER_END_MS = 2_000;
const USES_BEFORE_REVOCATION = 12;

/** The callers of an application, and their credentials. */
export class Callers {
  readonly users: readonly User[];
  readonly machine: string;
  private readonly reused: ReusedToken[] = [];
  private readonly apiKeys: ApiKey[] = [];

  constructor(
    readonly clerk: LocalClerk,
    /** Another Clerk instance. The application must deny its tokens. */
    readonly otherInstance: LocalClerk,
    readonly keys: KeyRotation,
  ) {
    const organizations = [clerk.createOrganization(), clerk.createOrganization(), clerk.createOrganization()];
    this.machine = clerk.createMachine().id;
    this.users = Array.from({ length: USER_COUNT }, (_, index) => {
      const user = clerk.createUser();
      const organization = organizations[index % organizations.length] as (typeof organizations)[number];
      const mayCreateInvoices = index % 2 === 0;
      const role = mayCreateInvoices ? 'org:admin' : 'org:member';
      clerk.addMember({ organization, user, role, permissions: mayCreateInvoices ? ['org:invoices:create'] : [] });
      return { id: user.id, session: clerk.createSession({ user, organization }).id, mayCreateInvoices };
    });
  }

  /** Issues a token, signed with a key that the application is certain to know. */
  token({ session }: User, options: SessionTokenOptions = {}): Promise<string> {
    return this.clerk.sessionToken({ session, ...this.keys.knownKey, ...options });
  }

  /** Returns one of a few tokens, each of which is used until shortly after it has expired. */
  async reusedToken(random: Random): Promise<ReusedToken> {
    const slot = random.integer(USER_COUNT);
    const user = this.users[slot] as User;
    const current = this.reused[slot];
    const lifetime = 2 + random.integer(12);
    const isStale = current && (Date.now() > current.expiry + SENT_AFTER_END_MS || !this.keys.isPublished(current.kid));
    if (current && !isStale) return current;
    const issuedAt = Math.floor(Date.now() / 1000);
    const kid = this.keys.knownKeyId;
    const token = await this.token(user, { issuedAt, expiresIn: lifetime });
    return (this.reused[slot] = { token, user, expiry: (issuedAt + lifetime) * 1000 + CLOCK_SKEW_MS, kid });
  }

  /** Returns one of a few API keys, each of which is revoked after some uses and still sent for a while. */
  apiKey(random: Random): ApiKey {
    const slot = random.integer(API_KEY_COUNT);
    let key = this.apiKeys[slot];
    if (!key || Date.now() > key.revokedAt + SENT_AFTER_END_MS) {
      const owner = random.pick(this.users).id;
      const { secret } = this.clerk.createApiKey({ subject: owner, scopes: ['invoices:read'] });
      key = this.apiKeys[slot] = { secret, owner, uses: 0, revokedAt: Infinity };
    }
    if (++key.uses === USES_BEFORE_REVOCATION) {
      this.clerk.revoke(key.secret);
      key.revokedAt = Date.now();
    }
    return key;
  }
}
