import { LocalClerk, type SessionTokenOptions } from 'nest-clerk/testing';

import type { Keys } from './keys.js';
import type { Random } from './random.js';

/** Somebody with a session. */
export interface Person {
  readonly id: string;
  readonly session: string;
  /** Whether the organization that is active lets them create invoices. */
  readonly permitted: boolean;
}

/** A token that is used again and again, beyond its end. */
export interface Reused {
  readonly token: string;
  readonly person: Person;
  /** In milliseconds since 1970, with the tolerance. */
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

const PEOPLE = 24;
/** `clockSkewInMs`, as it is by default. */
const SKEW = 5_000;
/** How long an expired token or a revoked key is still tried, in milliseconds, and after how many uses a key is revoked. */
const TRIED_ON = 2_000;
const USES = 12;

/** Everybody who calls, and what they call with. */
export class Cast {
  readonly people: readonly Person[];
  readonly machine: string;
  private readonly reused: Reused[] = [];
  private readonly apiKeys: ApiKey[] = [];

  constructor(
    readonly clerk: LocalClerk,
    /** Another instance, whose tokens are good for nothing here. */
    readonly other: LocalClerk,
    readonly keys: Keys,
  ) {
    const organizations = [clerk.createOrganization(), clerk.createOrganization(), clerk.createOrganization()];
    this.machine = clerk.createMachine().id;
    this.people = Array.from({ length: PEOPLE }, (_, index) => {
      const user = clerk.createUser();
      const organization = organizations[index % organizations.length] as (typeof organizations)[number];
      const permitted = index % 2 === 0;
      const role = permitted ? 'org:admin' : 'org:member';
      clerk.addMember({ organization, user, role, permissions: permitted ? ['org:invoices:create'] : [] });
      return { id: user.id, session: clerk.createSession({ user, organization }).id, permitted };
    });
  }

  /** A new token under a key that the application knows. */
  token({ session }: Person, options: SessionTokenOptions = {}): Promise<string> {
    return this.clerk.sessionToken({ session, ...this.keys.good, ...options });
  }

  /** One of a few tokens, each of which is used until it has expired, and a little longer. */
  async reusedToken(random: Random): Promise<Reused> {
    const slot = random.integer(PEOPLE);
    const person = this.people[slot] as Person;
    const known = this.reused[slot];
    const lifetime = 2 + random.integer(12);
    const stale = known && (Date.now() > known.expiry + TRIED_ON || !this.keys.isPublished(known.kid));
    if (known && !stale) return known;
    const issuedAt = Math.floor(Date.now() / 1000);
    const kid = this.keys.goodId;
    const token = await this.token(person, { issuedAt, expiresIn: lifetime });
    return (this.reused[slot] = { token, person, expiry: (issuedAt + lifetime) * 1000 + SKEW, kid });
  }

  /** One of a few API keys, each of which is revoked at some time, and still tried. */
  apiKey(random: Random): ApiKey {
    const slot = random.integer(6);
    let key = this.apiKeys[slot];
    if (!key || Date.now() > key.revokedAt + TRIED_ON) {
      const owner = random.pick(this.people).id;
      const { secret } = this.clerk.createApiKey({ subject: owner, scopes: ['invoices:read'] });
      key = this.apiKeys[slot] = { secret, owner, uses: 0, revokedAt: Infinity };
    }
    if (++key.uses === USES) {
      this.clerk.revoke(key.secret);
      key.revokedAt = Date.now();
    }
    return key;
  }
}
