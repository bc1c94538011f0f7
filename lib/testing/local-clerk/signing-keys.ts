import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  KeyObject,
  sign,
  type webcrypto,
} from 'node:crypto';

import { newId } from './ids.js';
import { LocalClerkError } from './local-clerk.error.js';

/** A key pair of the instance. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/**
 * A key to sign a token with instead of the current one.
 *
 * - `'rotated'`: the key before the last `rotateKey()`, under its own `kid`
 * - another local Clerk, a private key, or a private key's PEM: a forgery, under this instance's `kid`
 * - any string, with HS256, HS384 or HS512 in the header: the shared secret
 */
export type TokenKey = { readonly signingKey: KeyObject } | KeyObject | webcrypto.CryptoKey | string;

/** The claims, header and key of a token. Fields that are `undefined` are left out of the token. */
export interface SignOptions {
  readonly claims: object;
  /**
   * Replaces or adds fields of the protected header. `alg` takes effect: `none` leaves the signature empty, `HS256` signs
   * with the public PEM unless `key` is a secret. No verifier should accept either.
   *
   * @default { alg: 'RS256', kid: <the current one>, typ: 'JWT' }
   */
  readonly header?: Readonly<Record<string, unknown>>;
  /** @default the instance's current key */
  readonly key?: TokenKey;
}

/** The signing keys of an instance: one current, older ones still published until retired. */
export class SigningKeys {
  /** All keys, the current one first. */
  private readonly keys: SigningKey[] = [];
  private readonly retired = new Set<string>();

  constructor() {
    this.rotate();
  }

  get current(): SigningKey {
    return this.keys[0] as SigningKey;
  }

  /** The current public key, for the option `jwtKey`. */
  get pem(): string {
    return createPublicKey(this.current.privateKey).export({ type: 'spki', format: 'pem' }).toString();
  }

  /** Makes a new key the current one. @returns its `kid`. */
  rotate(): string {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = { kid: newId('ins'), privateKey };
    this.keys.unshift(key);
    return key.kid;
  }

  /** Stops publishing a key. The current one cannot be retired. */
  retire(kid: string): void {
    if (kid !== this.current.kid) this.retired.add(kid);
  }

  /** The response of `GET /v1/jwks`. */
  jwks(): object {
    const published = this.keys.filter(({ kid }) => !this.retired.has(kid));
    const keys = published.map(({ kid, privateKey }) => ({
      use: 'sig',
      kid,
      alg: 'RS256',
      ...createPublicKey(privateKey).export({ format: 'jwk' }),
    }));
    return { keys };
  }

  /** Signs a JWT. Header and claims are not validated, so that tests can create invalid tokens. */
  sign({ claims, header, key }: SignOptions): string {
    const { kid } = key === 'rotated' ? this.rotated : this.current;
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const protectedHeader = { alg: 'RS256', kid, typ: 'JWT', ...header };
    const input = `${encode(protectedHeader)}.${encode(claims)}`;
    return `${input}.${this.signature(input, String(protectedHeader.alg), key)}`;
  }

  private signature(input: string, alg: string, key: TokenKey | undefined): string {
    if (alg === 'none') return '';
    const digest = `sha${/\d{3}$/.exec(alg)?.[0] ?? '256'}`;
    if (alg.startsWith('HS')) {
      const secret = typeof key === 'string' ? key : this.pem;
      return createHmac(digest, secret).update(input).digest('base64url');
    }
    return sign(digest, Buffer.from(input), this.privateKey(key)).toString('base64url');
  }

  private privateKey(key: TokenKey | undefined): KeyObject {
    if (key === undefined) return this.current.privateKey;
    if (key === 'rotated') return this.rotated.privateKey;
    if (typeof key === 'string') return createPrivateKey(key);
    if (key instanceof KeyObject) return key;
    return 'signingKey' in key ? key.signingKey : KeyObject.from(key);
  }

  private get rotated(): SigningKey {
    const key = this.keys[1];
    if (!key) {
      throw new LocalClerkError(
        'not-rotated',
        "There is no former key to sign with. Call rotateKey() before asking for the key 'rotated'.",
      );
    }
    return key;
  }
}
