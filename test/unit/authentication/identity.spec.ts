import { signedOutAuthObject } from '@clerk/backend/internal';

import {
  hasHeaders,
  identityFromState,
  identityForRoute,
  subjectOf,
  type Identity,
  signedOutIdentity,
} from '../../../lib/authentication/identity/identity.js';

const toAuth = jest.fn(() => signedOutAuthObject());
const identity = (fields: Partial<Identity>): Identity => ({
  status: 'signed-out',
  tokenType: null,
  reason: null,
  hasCredentials: false,
  headers: new Headers(),
  toAuth,
  ...fields,
});

beforeEach(() => toAuth.mockClear());

describe('identityForRoute()', () => {
  const several = { acceptsToken: 'any', allowsPendingSession: false } as const;
  const sessions = { acceptsToken: 'session_token', allowsPendingSession: false } as const;

  it('returns an untyped signed-out object if several types are accepted and no credentials were sent', () => {
    const strangers = [identity({}), identity({ status: 'handshake' })];
    for (const stranger of strangers) {
      expect(identityForRoute(several, stranger).toAuth().tokenType).toBeNull();
      expect(identityForRoute(sessions, stranger).toAuth().tokenType).toBe('session_token');
    }
  });

  it('returns the identity unchanged for a caller with credentials or a signed-in caller', () => {
    for (const said of [{ hasCredentials: true }, { status: 'signed-in' }] as const) {
      const caller = identity(said);
      expect(identityForRoute(several, caller)).toBe(caller);
    }
  });

  it('treats pending sessions as the handler says, unless a call to toAuth() overrides it', () => {
    const pending = identityForRoute({ ...sessions, allowsPendingSession: true }, identity({ status: 'signed-in' }));
    pending.toAuth();
    pending.toAuth({ treatPendingAsSignedOut: true });
    expect(toAuth.mock.calls).toEqual([[{ treatPendingAsSignedOut: false }], [{ treatPendingAsSignedOut: true }]]);
  });
});

describe('subjectOf()', () => {
  it.each<[object, string | undefined]>([
    [{ isAuthenticated: true, userId: 'user_1' }, 'user_1'],
    [{ isAuthenticated: true, userId: null, subject: 'org_1' }, 'org_1'],
    [{ isAuthenticated: true, machineId: 'mch_1', subject: 'mch_1' }, 'mch_1'],
    [{ isAuthenticated: true, userId: null }, undefined],
    [{ isAuthenticated: true }, undefined],
    [{ isAuthenticated: false, userId: 'user_1', subject: 'user_1' }, undefined],
  ])('for the auth object %j, returns %s', (auth, subject) => {
    expect(subjectOf(identity({ toAuth: () => auth as never }))).toBe(subject);
  });

  it('counts pending sessions as signed in', () => {
    subjectOf(identity({}));
    expect(toAuth.mock.calls).toEqual([[{ treatPendingAsSignedOut: false }]]);
  });
});

describe('identityFromState()', () => {
  const auth = { userId: 'user_1' };
  const of = (said: object, headers: Record<string, string> = {}) => {
    const state = { status: 'signed-in', tokenType: 'session_token', reason: null, toAuth: () => auth, ...said };
    return identityFromState({ ...state, headers: new Headers(headers) } as never, true);
  };

  it('keeps the status, token type, reason and auth object of the state', () => {
    expect(of({})).toMatchObject({ status: 'signed-in', tokenType: 'session_token', hasCredentials: true });
    expect(of({}).toAuth()).toEqual(JSON.parse(JSON.stringify(auth)));
    expect(of({ status: 'signed-out', reason: 'token-expired' })).toMatchObject({
      ...{ status: 'signed-out', tokenType: null, reason: 'token-expired' },
    });
  });

  it('returns a handshake without token type for every state with a Location header', () => {
    const headers = { location: 'https://clerk.example/' };
    expect(of({}, headers)).toMatchObject({ status: 'handshake', tokenType: null });
    expect(of({ status: 'handshake', toAuth: () => null }, headers).toAuth()).toMatchObject({ isAuthenticated: false });
  });

  it('removes headers that disclose configuration and the CORS headers', () => {
    const withheld = ['x-clerk-auth-message', 'access-control-allow-origin', 'access-control-allow-credentials'];
    const { headers } = of({}, Object.fromEntries([...withheld, 'x-clerk-auth-status'].map((name) => [name, 'x'])));
    expect([...headers.keys()]).toEqual(['x-clerk-auth-status']);
  });
});

it('signedOutIdentity() sets the same status and reason headers as Clerk', () => {
  const { headers } = signedOutIdentity('token-expired', 'any', true);
  expect(Object.fromEntries(headers)).toEqual({
    'x-clerk-auth-status': 'signed-out',
    'x-clerk-auth-reason': 'token-expired',
  });
});

it('hasHeaders() tells whether there are response headers', () => {
  expect(hasHeaders(identity({}))).toBe(false);
  expect(hasHeaders(identity({ headers: new Headers({ a: 'b' }) }))).toBe(true);
});
