import type { KeyObject } from 'node:crypto';

import { BrowserSessions } from './frontend-api/browser-sessions.js';
import { randomText } from './ids.js';
import { SigningKeys, type SignOptions } from './signing-keys.js';
import { Store } from './store.js';
import { TokenIssuer } from './token-issuer.js';

/** Clerk's two types of instances, which pass browser sessions to applications in different ways. */
export type InstanceType = 'development' | 'production';

/** The keys of a Clerk instance in memory. */
export abstract class LocalInstance {
  /** The instance's secret key, generated at start. */
  readonly secretKey: string;
  /** The instance's publishable key, generated at start. */
  readonly publishableKey: string;
  /** The `iss` of its tokens: the origin of its Frontend API. */
  readonly issuer: string;

  protected readonly store = new Store();
  protected readonly keys = new SigningKeys();
  protected readonly tokens: TokenIssuer;
  protected readonly browsers: BrowserSessions;

  protected constructor(readonly instanceType: InstanceType) {
    const name = `local-${randomText(10).toLowerCase()}`;
    const [environment, host] =
      instanceType === 'production' ? ['live', `clerk.${name}.example.com`] : ['test', `${name}.clerk.accounts.dev`];
    this.secretKey = `sk_${environment}_${randomText(42)}`;
    this.publishableKey = `pk_${environment}_${Buffer.from(`${host}$`).toString('base64')}`;
    this.issuer = `https://${host}`;
    this.tokens = new TokenIssuer(this.store, this.keys, this.issuer);
    this.browsers = new BrowserSessions(
      this.store,
      this.tokens,
      this.keys,
      instanceType === 'development',
      this.publishableKey,
    );
  }

  /** The current public key as PEM: the option `jwtKey`, for verification without network. */
  get jwtKey(): string {
    return this.keys.pem;
  }

  /** The current private key, for forgeries: `other.sessionToken({ key: clerk })`. */
  get signingKey(): KeyObject {
    return this.keys.current.privateKey;
  }

  /**
   * Signs any claims with the instance's key or another one, as no real Clerk would.
   * @example
   * ```ts
   * clerk.sign({ claims: { sub: 'user_1' }, header: { alg: 'HS256' } });
   * ```
   */
  sign(options: SignOptions): string {
    return this.keys.sign(options);
  }

  /** Makes a new signing key current; the old one stays published. @returns the new `kid`. */
  rotateKey(): string {
    return this.keys.rotate();
  }

  /** Stops publishing a former signing key. */
  retireKey(kid: string): void {
    this.keys.retire(kid);
  }

  /** The `kid` of the current signing key. */
  get keyId(): string {
    return this.keys.current.kid;
  }
}
