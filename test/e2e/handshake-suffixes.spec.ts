import { describeHandshakes, FETCH, handshake, signedIn, signedOut, type Situation } from '../support/handshakes.js';

const EXPIRED = 'session-token-expired-refresh-non-eligible-no-refresh-cookie';
const SIGNED_IN = '__client_uat=1; __session={active}';
/** The suffixed cookies of a browser with this session. */
const suffixed = (session: string, clientUat = '1') =>
  `__client_uat_{suffix}=${clientUat}; __session_{suffix}={${session}}`;

/**
 * Cookie names with a suffix let several instances share a domain. Clerk's rules say whether the suffixed or the plain cookies
 * are used.
 */
const SITUATIONS: Situation[] = [
  {
    name: 'active, without plain cookies',
    cookie: `${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'expired, without plain cookies',
    cookie: `${suffixed('expired')}; __clerk_db_jwt_{suffix}=mine`,
    expect: handshake(EXPIRED, { token: '{expired}', suffixed: true, devBrowser: 'mine' }),
  },
  {
    name: 'active, without the suffixed development browser',
    on: 'development',
    cookie: suffixed('active'),
    expect: handshake('dev-browser-missing', { token: '{active}', suffixed: true, devBrowser: '' }),
  },
  {
    name: 'active, beside plain cookies of the same age',
    cookie: `__client_uat=1; __session={acme}; ${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'active, beside older plain cookies',
    cookie: `__client_uat=1; __session={older}; ${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'older than the plain cookies',
    cookie: `${SIGNED_IN}; ${suffixed('older')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'expired, beside a newer plain session without client_uat',
    cookie: `__session={active}; ${suffixed('expired')}; __clerk_db_jwt_{suffix}=mine`,
    expect: handshake('session-token-but-no-client-uat', { token: '{active}' }),
  },
  {
    name: 'active, beside plain cookies of another instance',
    cookie: `__client_uat=1; __session={foreign}; ${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'expired, beside plain cookies of another instance',
    cookie: `__client_uat=1; __session={foreign}; ${suffixed('expired')}; __clerk_db_jwt_{suffix}=mine`,
    expect: handshake(EXPIRED, { token: '{expired}', suffixed: true, devBrowser: 'mine' }),
  },
  {
    name: 'missing, beside plain cookies of another instance',
    cookie: '__client_uat=1; __session={foreign}; __clerk_db_jwt_{suffix}=mine',
    expect: signedOut('session-token-and-uat-missing', 'token-invalid'),
  },
  {
    name: 'active, beside a plain token whose issuer is an object',
    cookie: `__client_uat=1; __session={withOddIssuer}; ${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'active, beside a plain token without an issuer',
    cookie: `__client_uat=1; __session={withoutIssuer}; ${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('withoutIssuer'),
  },
  {
    name: 'active, beside a malformed plain token',
    cookie: `__client_uat=1; __session=garbage; ${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedOut('token-invalid', 'token-invalid'),
  },
  {
    name: 'signed out, beside active plain cookies',
    cookie: `${SIGNED_IN}; __client_uat_{suffix}=0; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'signed out, beside expired plain cookies',
    cookie: '__client_uat=1; __session={expired}; __client_uat_{suffix}=0; __clerk_db_jwt_{suffix}=mine',
    expect: handshake(EXPIRED, { token: '{expired}' }),
  },
  {
    name: 'signed out with a leftover session, beside signed-out plain cookies, on a navigation',
    cookie: `__client_uat=0; ${suffixed('active', '0')}; __clerk_db_jwt_{suffix}=mine`,
    expect: handshake('session-token-but-no-client-uat', { token: '{active}', suffixed: true, devBrowser: 'mine' }),
  },
  {
    name: 'signed out with a leftover session, beside signed-out plain cookies, in a fetch',
    headers: FETCH,
    cookie: `__client_uat=0; ${suffixed('active', '0')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedOut('session-token-but-no-client-uat', 'token-invalid'),
  },
  {
    name: 'signed out, beside signed-out plain cookies',
    cookie: '__client_uat=0; __client_uat_{suffix}=0; __clerk_db_jwt_{suffix}=mine',
    expect: signedOut('session-token-and-uat-missing'),
  },
  {
    name: 'active, beside signed-out plain cookies',
    cookie: `__client_uat=0; ${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'expired, beside signed-out plain cookies',
    on: 'development',
    cookie: `__client_uat=0; ${suffixed('expired')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedOut('session-token-and-uat-missing', 'token-invalid'),
  },
  {
    name: 'expired, beside signed-out plain cookies',
    on: 'production',
    cookie: `__client_uat=0; ${suffixed('expired')}`,
    expect: handshake(EXPIRED, { token: '{expired}', suffixed: true }),
  },
  {
    name: 'a session without client_uat, beside a plain client_uat alone',
    cookie: '__client_uat=1; __session_{suffix}={active}; __clerk_db_jwt_{suffix}=mine',
    expect: handshake('client-uat-but-no-session-token'),
  },
  {
    name: 'a session without client_uat, beside active plain cookies',
    cookie: '__client_uat=1; __session={acme}; __session_{suffix}={active}; __clerk_db_jwt_{suffix}=mine',
    expect: signedIn('acme'),
  },
  {
    name: 'of another instance only',
    cookie: '__client_uat_8HKF1r6W=1; __session_8HKF1r6W={foreign}; __clerk_db_jwt_8HKF1r6W=theirs',
    expect: signedOut('session-token-and-uat-missing'),
  },
  {
    name: 'of another instance, beside active plain cookies',
    cookie: `${SIGNED_IN}; __client_uat_8HKF1r6W=1; __session_8HKF1r6W={foreign}; __clerk_db_jwt_8HKF1r6W=theirs`,
    expect: signedIn('active'),
  },
];

describeHandshakes('suffixed cookies', SITUATIONS);
