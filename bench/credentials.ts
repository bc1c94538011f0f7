import { generateKeyPairSync, randomBytes } from 'node:crypto';

import type { LocalClerk } from 'nest-clerk/testing';

import type { Headers } from './subject.js';

const HOUR_IN_SECONDS = 3600;
/** The cookies of a visitor who has never signed in, of Google Analytics and a consent banner. */
const FOREIGN_COOKIES =
  '_ga=GA1.1.1204982411.1764547200; _ga_4XW2M7Q9KD=GS2.1.s1764547200$o3$g1$t1764547312$j60$l0$h0; _gid=GA1.2.88451.1764547200; consent=analytics%3Dtrue';

/** Numbered headers: for a number, always the same ones. */
export type HeadersOf = (number: number) => Headers;

const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });

/**
 * The credentials of all cases. They are created once, before they are sent, for all variants and both platforms.
 * Numbered tokens are distinct, like those of a flood.
 */
export class Credentials {
  private readonly user;
  private readonly organization;
  private readonly valid: string[] = [];
  private readonly expired: string[] = [];

  constructor(readonly clerk: LocalClerk) {
    this.user = clerk.createUser();
    this.organization = clerk.createOrganization();
  }

  async tokens(count: number): Promise<HeadersOf> {
    return numbered(this.valid, count, () => this.token(HOUR_IN_SECONDS));
  }

  async expiredTokens(count: number): Promise<HeadersOf> {
    return numbered(this.expired, count, () => this.token(-HOUR_IN_SECONDS));
  }

  /** Tokens with a signature of another instance's key, under the `kid` of this one. */
  async forgedTokens(): Promise<HeadersOf> {
    return this.unsigned(
      await this.token(HOUR_IN_SECONDS, { key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey }),
    );
  }

  async tokensOfUnknownKey(): Promise<HeadersOf> {
    return this.unsigned(await this.token(HOUR_IN_SECONDS, { header: { kid: 'ins_unknown' } }));
  }

  /** @param bytes How long it is. */
  randomText(bytes: number): HeadersOf {
    return () => bearer(randomBytes(bytes).toString('base64url'));
  }

  garbage(): HeadersOf {
    return () => bearer('garbage');
  }

  none(): HeadersOf {
    return () => ({});
  }

  foreignCookies(): HeadersOf {
    return () => ({ cookie: FOREIGN_COOKIES });
  }

  async cookieSession(): Promise<HeadersOf> {
    const headers = { cookie: await this.clerk.browserCookies({ expiresIn: HOUR_IN_SECONDS }) };
    return () => headers;
  }

  async apiKey(): Promise<HeadersOf> {
    const headers = bearer(this.clerk.createApiKey({ subject: this.clerk.createUser() }).secret);
    return () => headers;
  }

  private token(expiresIn: number, options: object = {}): Promise<string> {
    const { user, organization } = this;
    return this.clerk.sessionToken({ user, organization, permissions: ['org:invoices:create'], expiresIn, ...options });
  }

  /** Distinct tokens with the signature of `token`: it is invalid for all of them, at the same cost as their own. */
  private unsigned(token: string): HeadersOf {
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    return (number) => {
      const distinct = Buffer.from(JSON.stringify({ ...claims, jti: `forged-${number}` })).toString('base64url');
      return bearer(`${header}.${distinct}.${signature}`);
    };
  }
}

/** Adds the tokens that are missing. */
async function numbered(tokens: string[], count: number, create: () => Promise<string>): Promise<HeadersOf> {
  while (tokens.length < count) tokens.push(await create());
  return (number) => bearer(tokens[number] as string);
}
