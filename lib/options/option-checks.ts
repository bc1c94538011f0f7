import { isRecord, nonOwnProperties, MUST_BE_OWN } from './readable.js';

/** Returns what is wrong with a value and how to fix it, or `undefined` if it is valid. Never repeats the value. */
export type Check = (value: unknown) => string | undefined;

export const nonEmptyString: Check = (value) =>
  typeof value === 'string' && value.trim() !== '' ? undefined : 'must be a non-empty string';

export const oneOf =
  (...allowed: readonly string[]): Check =>
  (value) =>
    allowed.includes(value as string) ? undefined : `must be one of ${allowed.map((item) => `'${item}'`).join(', ')}`;

export const boolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false');

const wholeNumber =
  (of: string, minimum: number, maximum: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum
      ? undefined
      : `must be a whole number${of}, at least ${minimum} and at most ${maximum}`;

/** Beyond the default maximum (24 days), timers of Node fire immediately. */
export const milliseconds = (minimum: number, maximum = 2 ** 31 - 1): Check =>
  wholeNumber(' of milliseconds', minimum, maximum);

export const count = (minimum: number, maximum: number): Check => wholeNumber('', minimum, maximum);

const stringOrList: Check = (value) => (typeof value === 'string' ? nonEmptyString(value) : listOfStrings(value));

export const listOfStrings: Check = (value) =>
  // every() skips the holes of a sparse array.
  Array.isArray(value) && value.length > 0 && Array.from<unknown>(value).every((item) => !nonEmptyString(item))
    ? undefined
    : 'must be a non-empty list of non-empty strings';

/** Patterns of Clerk's organization sync, in the syntax of path-to-regexp. */
function listOfPaths(value: unknown): string | undefined {
  return (
    listOfStrings(value) ??
    ((value as string[]).every((path) => path.startsWith('/')) ? undefined : 'must be paths that start with "/"')
  );
}

/** Also accepts a function, whose results are checked for each request. */
export const orFunction =
  (check: Check): Check =>
  (value) =>
    typeof value === 'function' ? undefined : check(value);

export const functionOnly: Check = (value) => (typeof value === 'function' ? undefined : 'must be a function');

/** An object with some of these fields, each with a check of its own. */
export const fields =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) => {
    if (!isRecord(value)) return `must be an object with ${Object.keys(checks).join(', ')}, or some of them`;
    const [lost] = nonOwnProperties(value, Object.keys(checks));
    if (lost) return `: ${lost} ${MUST_BE_OWN}`;
    const [problem] = Object.entries(value).flatMap(([name, field]) => {
      if (!Object.hasOwn(checks, name)) return [`has no field "${name}": it takes ${Object.keys(checks).join(', ')}`];
      const wrong = field === undefined ? undefined : (checks[name] as Check)(field);
      return wrong ? [`: ${name} ${wrong}`] : [];
    });
    return problem;
  };

export const audience: Check = (value) =>
  typeof value === 'string' || Array.isArray(value)
    ? stringOrList(value)
    : fields({ session_token: stringOrList, m2m_token: stringOrList, oauth_token: stringOrList })(value);

export const organizationSyncOptions = fields({
  organizationPatterns: listOfPaths,
  personalAccountPatterns: listOfPaths,
});

const mountPath: Check = (value) =>
  typeof value === 'string' && /^(\/[\w.~-]+)+\/?$/.test(value) ? undefined : 'must be a path such as "/__clerk"';

export const frontendApiProxy: Check = (value) =>
  fields({ enabled: orFunction(boolean), path: mountPath })(value) ??
  ((value as { enabled?: unknown }).enabled === undefined ? 'needs enabled: true, false, or a function' : undefined);

export const absoluteUrl: Check = (value) =>
  typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value)
    ? undefined
    : 'must be an absolute http(s) URL';

export const urlOrPath: Check = (value) =>
  typeof value === 'string' && /^\/(?![/\\])/.test(value)
    ? undefined
    : absoluteUrl(value) && `${absoluteUrl(value)} or a path of this server that starts with one "/"`;

export const hostname: Check = (value) =>
  typeof value === 'string' && /^[a-z0-9.-]+(:\d+)?$/i.test(value)
    ? undefined
    : 'must be a host name without scheme or path, such as "app.example.com"';

export const clerkClient: Check = (value) =>
  typeof (value as { authenticateRequest?: unknown }).authenticateRequest === 'function'
    ? undefined
    : "must be a client made with createClerkClient() of '@clerk/backend'";

/** The cache allocates room for all entries up front. */
const MOST_ENTRIES = 1_000_000;

/** A terabyte: more than any process has. */
const MOST_BYTES = 2 ** 40;

/** Nothing is cached for longer than a minute. */
const A_MINUTE = 60_000;

export const verificationCache: Check = (value) =>
  typeof value === 'boolean'
    ? undefined
    : fields({
        maxEntries: count(1, MOST_ENTRIES),
        maxBytes: wholeNumber(' of bytes', 1, MOST_BYTES),
        machineTokens: fields({ ttl: milliseconds(0, A_MINUTE) }),
      })(value);

/** The cache allocates room for all entries up front, and each may take kilobytes. */
const MOST_USERS = 100_000;

export const currentUserCache: Check = (value) =>
  typeof value === 'boolean'
    ? undefined
    : fields({ maxAgeInMs: milliseconds(1, A_MINUTE), maxEntries: count(1, MOST_USERS) })(value);

export const telemetry = fields({ disabled: boolean, debug: boolean });
