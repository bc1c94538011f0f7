import { createClerkRequest } from '@clerk/backend/internal';
import { LRUCache } from 'lru-cache';

import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import type { Authenticator } from './authenticator.js';
import type { Credentials, HttpInputs } from './credentials.js';
import type { Identity } from './identity.js';
import type { InstanceKeys } from './instance-keys.js';
import { tokenAlone } from './request-key.js';
import { sessionIdentity } from './session-identity.js';
import { areClaimsGood, isSignedBy, readSessionToken } from './session-token.js';
import { tokenTypesOf, type AcceptsToken } from './token-types.js';

/** How many origins are remembered as readable. */
const MAX_ORIGINS = 1_000;
const MAX_ORIGIN_LENGTH = 500;

/**
 * Verifies session tokens in the Authorization header without Clerk's SDK, at a fraction of the cost. It only ever says
 * yes, where Clerk would beyond doubt; whatever else it finds, the next one is asked.
 */
export class DirectAuthenticator implements Authenticator {
  private readonly origins = new LRUCache<string, boolean>({ max: MAX_ORIGINS });

  constructor(
    private readonly options: ResolvedClerkOptions,
    private readonly keys: InstanceKeys,
    private readonly next: Authenticator,
    private readonly now: () => number,
  ) {}

  async authenticate(credentials: Credentials, acceptsToken: AcceptsToken): Promise<Identity> {
    return (await this.signedIn(credentials, acceptsToken)) ?? this.next.authenticate(credentials, acceptsToken);
  }

  private async signedIn(credentials: Credentials, acceptsToken: AcceptsToken): Promise<Identity | undefined> {
    if (!tokenTypesOf(acceptsToken).includes('session_token')) return undefined;
    const token = tokenAlone(credentials, this.options);
    const read = token === undefined ? undefined : readSessionToken(token);
    if (token === undefined || !read || !this.isOriginReadable(credentials)) return undefined;
    const key = await this.keys.atHand(read.kid);
    if (!key || !(await isSignedBy(token, key))) return undefined;
    return areClaimsGood(read.claims, this.options, this.now())
      ? sessionIdentity(this.options, token, read.claims)
      : undefined;
  }

  /** Clerk reads the origin of every request, and refuses those whose headers name none. */
  private isOriginReadable({ isEncrypted, headers }: HttpInputs): boolean {
    const names = ['host', 'x-forwarded-host', 'x-forwarded-proto', 'cloudfront-forwarded-proto'] as const;
    const host = headers.host ?? (headers[':authority'] as string | undefined);
    const values = names.map((name) => (name === 'host' ? host : headers[name]));
    const known = JSON.stringify([isEncrypted, ...values]);
    if (known.length > MAX_ORIGIN_LENGTH) return false;
    let readable = this.origins.get(known);
    if (readable === undefined) {
      readable = isReadable(
        isEncrypted,
        names.map((name, index) => [name, values[index]]),
      );
      this.origins.set(known, readable);
    }
    return readable;
  }
}

function isReadable(isEncrypted: boolean, headers: (readonly [string, string | string[] | undefined])[]): boolean {
  try {
    const given = headers.flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as [string, string]],
    );
    createClerkRequest(new Request(`${isEncrypted ? 'https' : 'http'}://localhost/`, { headers: given }));
    return true;
  } catch {
    return false;
  }
}
