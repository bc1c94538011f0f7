import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  ClerkKeyRejectedError,
  ClerkRequestOptionsError,
  ClerkUnavailableError,
} from '../../../lib/errors/clerk.errors.js';
import type { Denial } from '../../../lib/errors/denial.js';
import * as catalogue from '../../../lib/errors/denials.js';
import { ClerkErrorCode } from '../../../lib/errors/error-codes.js';

const { bearerChallenge, denialForFailure, ...entries } = catalogue;

/** Every denial of the catalogue; those that are functions with an example of their argument. */
const DENIALS: readonly (readonly [name: string, denial: Denial])[] = Object.entries(entries).map(([name, entry]) => {
  const examples: Partial<Record<string, (entry: unknown) => Denial>> = {
    signInRequired: () => entries.signInRequired('/sign-in'),
    insufficientScope: () => entries.insufficientScope(['invoices:write']),
    reverificationRequired: () => entries.reverificationRequired('strict'),
    authenticationUnavailable: () => entries.authenticationUnavailable({ retryAfterInSeconds: 7 }),
    userUnavailable: () => entries.userUnavailable({ retryAfterInSeconds: 7 }),
    clerkApiUnavailable: () => entries.clerkApiUnavailable({ retryAfterInSeconds: 7 }),
  };
  return [name, typeof entry === 'function' ? examples[name]!(entry) : entry];
});

describe('the catalogue of denials', () => {
  it('contains every error code except unknown-transport, which is only thrown as an error', () => {
    const codes = new Set(DENIALS.map(([, { code }]) => code));
    expect([...codes].toSorted()).toEqual(
      Object.values(ClerkErrorCode)
        .filter((code) => code !== ClerkErrorCode.UnknownTransport)
        .toSorted(),
    );
  });

  it('is sorted by status in its source', () => {
    const source = readFileSync(join(__dirname, '../../../lib/errors/denials.ts'), 'utf8');
    const statuses = [...source.matchAll(/\bdenial\(\s*(\d{3}),/g)].map(([, status]) => Number(status));
    expect(statuses).toEqual(statuses.toSorted((a, b) => a - b));
    expect(statuses.length).toBeGreaterThan(20);
  });

  it.each(DENIALS)('%s is frozen, because adapters of the application receive it', (_, denial) => {
    expect(Object.isFrozen(denial)).toBe(true);
  });

  it.each(DENIALS)('%s has a challenge if its status is 401, as RFC 9110 requires', (_, { status, challenge }) => {
    if (status === 401) expect(challenge).toMatch(/^Bearer/);
    else if (status !== 403) expect(challenge).toBeUndefined();
  });

  it.each(DENIALS)('%s is listed with its status and code in docs/errors.md', (_, { status, code }) => {
    const document = readFileSync(join(__dirname, '../../../docs/errors.md'), 'utf8');
    const isListedWithoutStatus = ['reverification-required', 'user-changed', 'auth-not-populated'].includes(code);
    const cell = isListedWithoutStatus ? '' : `${status} +\\| `;
    expect(document).toMatch(new RegExp(`^\\| ${cell}\`${code}\` +\\|`, 'm'));
  });

  it('adds Retry-After to a 503 only if the time is known', () => {
    expect(entries.authenticationUnavailable({ retryAfterInSeconds: 7 })).toHaveProperty('retryAfterInSeconds', 7);
    expect(entries.authenticationUnavailable()).not.toHaveProperty('retryAfterInSeconds');
  });
});

describe('denialForFailure()', () => {
  it('returns 503 clerk-unavailable with Retry-After if Clerk is unavailable', () => {
    const failure = new ClerkUnavailableError('down', { retryAfterInSeconds: 7 });
    expect(denialForFailure(failure)).toMatchObject({ status: 503, code: 'clerk-unavailable', retryAfterInSeconds: 7 });
  });

  it('returns 500 clerk-key-rejected if Clerk rejects the key', () => {
    expect(denialForFailure(new ClerkKeyRejectedError('no'))).toMatchObject({
      status: 500,
      code: 'clerk-key-rejected',
    });
  });

  it('returns 500 invalid-configuration if a function among the options failed', () => {
    const denial = denialForFailure(new ClerkRequestOptionsError('threw'));
    expect(denial).toMatchObject({ status: 500, code: 'invalid-configuration' });
  });

  it('returns 500 for a failure that it does not know, so that no failure is taken for success', () => {
    expect(denialForFailure({ code: 'new-in-another-version' } as never)).toMatchObject({ status: 500 });
  });
});

describe('bearerChallenge()', () => {
  it.each<[Parameters<typeof bearerChallenge>, string]>([
    [[], 'Bearer'],
    [['invalid_token'], 'Bearer error="invalid_token"'],
    [['insufficient_scope', ['a', 'b', 'a']], 'Bearer error="insufficient_scope", scope="a b"'],
    [['insufficient_scope', []], 'Bearer error="insufficient_scope"'],
    [[undefined, ['a']], 'Bearer scope="a"'],
  ])('returns, for the arguments %j, the challenge %s', (given, challenge) => {
    expect(bearerChallenge(...given)).toBe(challenge);
  });
});
