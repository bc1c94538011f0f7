import { listOfStrings, type Check } from './option-checks.js';

const SCHEME = /^([a-z][a-z\d+.-]*):/i;
const HTTP_SCHEMES = ['http', 'https', 'ws', 'wss'];

/** Pages under these schemes have no origin of their own: browsers send `Origin: null` for them. */
const SCHEMES_WITHOUT_ORIGIN = ['file', 'data', 'blob', 'about', 'javascript', 'ftp'];

/** Browsers lowercase the ids of these schemes; hosts of other custom schemes keep their case. */
const LOWERCASE_SCHEMES = ['chrome-extension', 'moz-extension'];

const HTTP_HOST = /^([\w-]+(\.[\w-]+)*\.?|\[[\da-f:.]+\])$/;
const CUSTOM_HOST = /^([\w.~-]+|\[[\da-f:.]+\])(:\d+)?$/;
/** Pages on this computer are usually served over plain http. */
const LOCAL_HOST = /^(localhost|127(\.\d+){3}|\[::1\])(:|\/|$)/i;
/** The result of a template literal or `String()` for a missing value. */
const UNSET = /^([a-z][a-z\d+.-]*:\/\/)?(undefined|null|NaN)(:|\/|$)/;
const PATTERN = /[*{}$\\^|()]|\/\/\.\w/;

/** A key or token listed by mistake must not be repeated in the message. */
const LIKE_A_SECRET = /(sk|pk|ask|ak|mt|oat|whsec)_|eyJ|BEGIN /i;
const MAX_SHOWN_LENGTH = 100;
const isLikeASecret = (item: string) => item.length > MAX_SHOWN_LENGTH || LIKE_A_SECRET.test(item);

/**
 * A list of origins as browsers write them: they are compared literally with the Origin header and the `azp` claim, so
 * any other spelling would never match.
 */
export const origins: Check<string[]> = (value) => {
  const problem = listOfStrings(value);
  if (problem) return problem;
  const wrong = (value as string[]).flatMap((item, index) => {
    const advice = adviceFor(item);
    return advice ? [`${shown(item, index)} (${advice})`] : [];
  });
  return wrong.length > 0
    ? `must list origins exactly as browsers send them; not accepted: ${wrong.join('; ')}`
    : undefined;
};

/** Returns what to write instead, or `undefined` if the origin is written as browsers write it. */
function adviceFor(item: string): string | undefined {
  const text = item.replace(/["'`]/g, '').trim();
  if (text === 'null') {
    // This one could match, which is worse: any page gets this origin in a sandboxed frame.
    return 'every sandboxed frame and local file has this origin, so it identifies no application; serve the page from an origin of its own';
  }
  if (UNSET.test(text)) return 'an unset variable was converted to text: set it, or remove the item';
  if (PATTERN.test(text)) return 'patterns and placeholders are not supported: list each origin in full';
  if (/[,;\s]/.test(text)) return 'several origins in one item: list each one separately';
  const scheme = SCHEME.exec(text)?.[1] ?? '';
  if (SCHEMES_WITHOUT_ORIGIN.includes(scheme.toLowerCase())) {
    return "browsers send the origin 'null' for such pages; serve them from https, or in an app from a scheme of its own such as 'app://localhost'";
  }
  const isCustom = text.startsWith('://', scheme.length) && !HTTP_SCHEMES.includes(scheme.toLowerCase());
  const origin = isCustom ? customOrigin(scheme.toLowerCase(), text.slice(scheme.length + 3)) : httpOrigin(text);
  if (origin === item) return undefined;
  return origin && !isLikeASecret(item)
    ? `write '${origin}'`
    : "write scheme and host, such as 'https://app.example.com'";
}

function httpOrigin(text: string): string | undefined {
  const [start = '', , given] = /^((https?|wss?)(?::|(?=\/\/)))?\/*/i.exec(text) ?? [];
  const rest = text.slice(start.length);
  // The origin is that of the page that opens the socket, never ws: or wss:.
  const scheme = given?.toLowerCase().replace('ws', 'http') ?? (LOCAL_HOST.test(rest) ? 'http' : 'https');
  const url = `${scheme}://${rest}`;
  if (!URL.canParse(url)) return undefined;
  const { hostname, origin } = new URL(url);
  return HTTP_HOST.test(hostname) ? origin : undefined;
}

/** Needed because `URL` has no origin for custom schemes. Host case is kept, as in browsers. */
function customOrigin(scheme: string, rest: string): string | undefined {
  const [authority = ''] = rest.split(/[/?#]/);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (!CUSTOM_HOST.test(host)) return undefined;
  return `${scheme}://${LOWERCASE_SCHEMES.includes(scheme) ? host.toLowerCase() : host}`;
}

/** The item as shown in the message: without password, query and invisible characters. */
function shown(item: string, index: number): string {
  if (isLikeASecret(item)) return `item ${index + 1}`;
  const [start = '', ...query] = item.split(/([?#])/);
  const at = start.lastIndexOf('@');
  const text = (at < 0 ? start : `…${start.slice(at)}`) + (query[0] ? `${query[0]}…` : '');
  return `'${text.replace(/\p{C}/gu, '\ufffd')}'`;
}
