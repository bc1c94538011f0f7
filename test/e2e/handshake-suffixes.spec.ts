import { describeHandshakes, FETCH, handshake, signedIn, signedOut, type Situation } from '../support/handshakes.js';

const EXPIRED = 'session-token-expired-refresh-non-eligible-no-refresh-cookie';
const SIGNED_IN = '__client_uat=1; __session={active}';
/** A browser whose suffixed cookies say something; older ones that say who was signed in before are beside them. */
const suffixed = (session: string, clientUat = '1') =>
  `__client_uat_{suffix}=${clientUat}; __session_{suffix}={${session}}`;

/** Several instances share a domain by names of cookies that end in a suffix. Clerk has rules for which ones count. */
const SITUATIONS: Situation[] = [
  { name: 'alone', cookie: `${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`, expect: signedIn('active') },
  {
    name: 'alone, expired',
    cookie: `${suffixed('expired')}; __clerk_db_jwt_{suffix}=mine`,
    expect: handshake(EXPIRED, { token: '{expired}', suffixed: true, devBrowser: 'mine' }),
  },
  {
    name: 'alone, without their development browser',
    on: 'development',
    cookie: suffixed('active'),
    expect: handshake('dev-browser-missing', { token: '{active}', suffixed: true, devBrowser: '' }),
  },
  {
    name: 'beside plain ones of the same age',
    cookie: `__client_uat=1; __session={acme}; ${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'beside plain ones that are older',
    cookie: `__client_uat=1; __session={older}; ${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'beside plain ones that are newer',
    cookie: `${SIGNED_IN}; ${suffixed('older')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'expired, beside plain ones that are newer and lack client_uat',
    cookie: `__session={active}; ${suffixed('expired')}; __clerk_db_jwt_{suffix}=mine`,
    expect: handshake('session-token-but-no-client-uat', { token: '{active}' }),
  },
  {
    name: 'beside plain ones of another instance',
    cookie: `__client_uat=1; __session={foreign}; ${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'expired, beside plain ones of another instance',
    cookie: `__client_uat=1; __session={foreign}; ${suffixed('expired')}; __clerk_db_jwt_{suffix}=mine`,
    expect: handshake(EXPIRED, { token: '{expired}', suffixed: true, devBrowser: 'mine' }),
  },
  {
    name: 'missing, beside plain ones of another instance',
    cookie: '__client_uat=1; __session={foreign}; __clerk_db_jwt_{suffix}=mine',
    expect: signedOut('session-token-and-uat-missing', 'token-invalid'),
  },
  {
    name: 'beside a plain token whose issuer is no text',
    cookie: `__client_uat=1; __session={withOddIssuer}; ${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'beside a plain token without issuer',
    cookie: `__client_uat=1; __session={withoutIssuer}; ${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('withoutIssuer'),
  },
  {
    name: 'beside a plain token that is malformed',
    cookie: `__client_uat=1; __session=garbage; ${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedOut('token-invalid', 'token-invalid'),
  },
  {
    name: 'signed out, beside plain ones that are signed in',
    cookie: `${SIGNED_IN}; __client_uat_{suffix}=0; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'signed out, beside plain ones that are signed in and expired',
    cookie: '__client_uat=1; __session={expired}; __client_uat_{suffix}=0; __clerk_db_jwt_{suffix}=mine',
    expect: handshake(EXPIRED, { token: '{expired}' }),
  },
  {
    name: 'signed out, with a session left over, beside plain ones that are signed out',
    cookie: `__client_uat=0; ${suffixed('active', '0')}; __clerk_db_jwt_{suffix}=mine`,
    expect: handshake('session-token-but-no-client-uat', { token: '{active}', suffixed: true, devBrowser: 'mine' }),
  },
  {
    name: 'signed out, with a session left over, of a program',
    headers: FETCH,
    cookie: `__client_uat=0; ${suffixed('active', '0')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedOut('session-token-but-no-client-uat', 'token-invalid'),
  },
  {
    name: 'signed out, beside plain ones that are signed out',
    cookie: '__client_uat=0; __client_uat_{suffix}=0; __clerk_db_jwt_{suffix}=mine',
    expect: signedOut('session-token-and-uat-missing'),
  },
  {
    name: 'signed in, beside plain ones that are signed out',
    cookie: `__client_uat=0; ${suffixed('active')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedIn('active'),
  },
  {
    name: 'signed in and expired, beside plain ones that are signed out',
    on: 'development',
    cookie: `__client_uat=0; ${suffixed('expired')}; __clerk_db_jwt_{suffix}=mine`,
    expect: signedOut('session-token-and-uat-missing', 'token-invalid'),
  },
  {
    name: 'signed in and expired, beside plain ones that are signed out',
    on: 'production',
    cookie: `__client_uat=0; ${suffixed('expired')}`,
    expect: handshake(EXPIRED, { token: '{expired}', suffixed: true }),
  },
  {
    name: 'without client_uat, beside a plain one',
    cookie: '__client_uat=1; __session_{suffix}={active}; __clerk_db_jwt_{suffix}=mine',
    expect: handshake('client-uat-but-no-session-token'),
  },
  {
    name: 'without client_uat, beside plain ones',
    cookie: '__client_uat=1; __session={acme}; __session_{suffix}={active}; __clerk_db_jwt_{suffix}=mine',
    expect: signedIn('acme'),
  },
  {
    name: 'of other instances only',
    cookie: '__client_uat_8HKF1r6W=1; __session_8HKF1r6W={foreign}; __clerk_db_jwt_8HKF1r6W=theirs',
    expect: signedOut('session-token-and-uat-missing'),
  },
  {
    name: 'of other instances beside ours',
    cookie: `${SIGNED_IN}; __client_uat_8HKF1r6W=1; __session_8HKF1r6W={foreign}; __clerk_db_jwt_8HKF1r6W=theirs`,
    expect: signedIn('active'),
  },
];

describeHandshakes('suffixed cookies', SITUATIONS);
