import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { dependsOnUrl, fingerprintWithoutCredentials } from '../cache/request-digest.js';
import { SegmentedLru } from '../cache/segmented-lru.js';
import type { Credentials } from '../identity/credentials.js';
import type { Identity } from '../identity/identity.js';
import { Reason } from '../identity/reasons.js';
import type { SignedOutIdentities } from '../identity/signed-out-identities.js';
import type { AcceptsToken } from '../identity/token-types.js';
import type { Authenticator } from './authenticator.js';

/** The number of kinds of requests: few for browsers and programs, but anyone can send more. */
const MAX_KINDS = 256;

/**
 * Answers requests without credentials as Clerk answered equal ones before. Such answers depend neither on the time nor
 * on keys. Only signed-out answers are cached: a redirect to a handshake contains the URL of its request.
 */
export class AnonymousAuthenticator implements Authenticator {
  private readonly isCacheable: boolean;
  private answers: SegmentedLru<Identity> | undefined;
  private isClosed = false;

  constructor(
    options: ResolvedClerkOptions,
    private readonly signedOut: SignedOutIdentities,
    private readonly next: Authenticator,
  ) {
    this.isCacheable = options.isSatellite === false && !dependsOnUrl(options);
  }

  authenticate(credentials: Credentials, acceptsToken: AcceptsToken): Identity | Promise<Identity> {
    const fingerprint = this.isCacheable ? fingerprintWithoutCredentials(credentials, acceptsToken) : undefined;
    if (fingerprint === undefined) return this.next.authenticate(credentials, acceptsToken);
    return this.answers?.get(fingerprint) ?? this.ask(fingerprint, credentials, acceptsToken);
  }

  close(): void {
    this.isClosed = true;
    this.answers = undefined;
    this.next.close?.();
  }

  private async ask(fingerprint: string, credentials: Credentials, acceptsToken: AcceptsToken): Promise<Identity> {
    const identity = await this.next.authenticate(credentials, acceptsToken);
    const shared = this.sharedFor(identity, acceptsToken);
    if (!shared) return identity;
    if (!this.isClosed) {
      this.answers ??= new SegmentedLru(MAX_KINDS);
      // Another request may have added it in the meantime.
      if (!this.answers.get(fingerprint)) this.answers.set(fingerprint, shared);
    }
    return shared;
  }

  /** The identity that stands for this answer, if nothing in it is of a particular request. */
  private sharedFor(identity: Identity, acceptsToken: AcceptsToken): Identity | undefined {
    const { status, reason, hasCredentials, hasIgnoredSession, failure, headers } = identity;
    if (status !== 'signed-out' || hasCredentials || hasIgnoredSession || failure) return undefined;
    if (reason === null || reason === Reason.Unexpected) return undefined;
    const shared = this.signedOut.get(reason, acceptsToken, false);
    return JSON.stringify([...headers]) === JSON.stringify([...shared.headers]) ? shared : undefined;
  }
}
