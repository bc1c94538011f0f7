import type { ClerkConfigurationError } from '../../../lib/errors/clerk.errors.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';

const keys = { publishableKey: `pk_test_${btoa('blue-owl-1.clerk.accounts.dev$')}`, secretKey: 'sk_test_secret' };

function problemsOf(options: object): readonly string[] {
  try {
    resolveClerkOptions({ ...keys, ...options }, {});
    return [];
  } catch (error) {
    return (error as ClerkConfigurationError).problems;
  }
}

const REJECTED = 'must list origins exactly as browsers send them; not accepted: ';
const PATTERN = 'patterns and placeholders are not supported: list each origin in full';
const UNSET = 'an unset variable was converted to text: set it, or remove the item';
const SEVERAL = 'several origins in one item: list each one separately';
const NO_HOST = "write scheme and host, such as 'https://app.example.com'";
const NO_ORIGIN =
  "browsers send the origin 'null' for such pages; serve them from https, or in an app from a scheme of its own such as 'app://localhost'";
const NULL =
  'every sandboxed frame and local file has this origin, so it identifies no application; serve the page from an origin of its own';

describe('authorizedParties and webSocket.allowedOrigins', () => {
  it.each([
    ['https://app.example.com', 'http://localhost', 'http://localhost:3000'],
    ['http://app.example.com:443', 'https://app.example.com:80', 'https://app.example.com:8443'],
    ['https://undefined.example.com', 'https://nullable.example', 'https://app.undefined'],
    ['http://127.0.0.1:4200', 'http://[::1]:3000', 'https://[2001:db8::1]'],
    ['https://xn--bcher-kva.example', 'https://my_app.example.com', 'https://a-b.example.com.', 'http://intranet'],
    ['https://ask_me.example.com', 'https://pk_1.example.com', `https://${'a'.repeat(60)}.${'b'.repeat(60)}.example`],
    ['chrome-extension://abcdefghijklmnopabcdefghijklmnop', 'moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc'],
    ['safari-web-extension://2C127FA4-62C7-7E4F-90E5-472B45EECFDC'],
    ['tauri://localhost', 'http://tauri.localhost', 'capacitor://localhost', 'ionic://localhost', 'app://-', 'app://.'],
    ['exp://192.168.0.2:8081', 'vscode-webview://1a2b', 'app://[::1]:8'],
  ])('accept origins as browsers send them: %s', (...list) => {
    expect(problemsOf({ authorizedParties: list })).toEqual([]);
    expect(problemsOf({ webSocket: { allowedOrigins: list } })).toEqual([]);
  });

  it.each([
    ['a trailing slash', 'https://app.example.com/', 'https://app.example.com'],
    ['two trailing slashes', 'https://app.example.com//', 'https://app.example.com'],
    ['a path', 'https://app.example.com/x', 'https://app.example.com'],
    ['a fragment', 'https://app.example.com#', 'https://app.example.com', 'https://app.example.com#…'],
    ['a query', 'https://app.example.com?token=abc', 'https://app.example.com', 'https://app.example.com?…'],
    [
      'a user with an unescaped slash in the password',
      'https://me:pass/w@app.example.com',
      undefined,
      '…@app.example.com',
    ],
    ['a user', 'https://me:pass@app.example.com', 'https://app.example.com', '…@app.example.com'],
    ['an empty user', 'https://@app.example.com', 'https://app.example.com', '…@app.example.com'],
    ['capitals in the host', 'https://App.Example.com', 'https://app.example.com'],
    ['capitals in the scheme', 'HTTPS://app.example.com', 'https://app.example.com'],
    ['the default port of https', 'https://app.example.com:443', 'https://app.example.com'],
    ['the default port of http', 'http://localhost:80', 'http://localhost'],
    ['an empty port', 'https://app.example.com:', 'https://app.example.com'],
    ['a port with a leading zero', 'http://localhost:03000', 'http://localhost:3000'],
    ['an invalid port', 'http://localhost:99999', undefined],
    ['a host without a scheme', 'app.example.com', 'https://app.example.com'],
    ['a path without a scheme', 'app.example.com/x', 'https://app.example.com'],
    ['a port without a scheme', 'app.example.com:8443', 'https://app.example.com:8443'],
    ['localhost without a scheme', 'localhost:3000', 'http://localhost:3000'],
    ['a loopback IPv4 address without a scheme', '127.0.0.1:3000', 'http://127.0.0.1:3000'],
    ['an IPv6 address without a scheme', '[::1]:3000', 'http://[::1]:3000'],
    ['slashes without a scheme', '//app.example.com', 'https://app.example.com'],
    ['a single slash after the scheme', 'https:/app.example.com', 'https://app.example.com'],
    ['a scheme without a colon', 'https//app.example.com', 'https://app.example.com'],
    ['the scheme wss', 'wss://app.example.com', 'https://app.example.com'],
    ['the scheme ws', 'ws://localhost:3000', 'http://localhost:3000'],
    ['a missing host', 'https://', undefined],
    ['a scheme alone', 'https:', undefined],
    ['a missing host after a custom scheme', 'chrome-extension://', undefined],
    ['a Unicode host', 'https://bücher.example', 'https://xn--bcher-kva.example'],
    ['an uncompressed IPv6 address', 'http://[0:0:0:0:0:0:0:1]:3000', 'http://[::1]:3000'],
    ['a shortened IPv4 address', 'http://127.1', 'http://127.0.0.1'],
    ['an IPv4 address as one number', 'http://2130706433', 'http://127.0.0.1'],
    [
      'surrounding whitespace',
      ' https://app.example.com\t',
      'https://app.example.com',
      ' https://app.example.com\ufffd',
    ],
    ['surrounding quotes', '"https://app.example.com"', 'https://app.example.com'],
    [
      'an invisible character',
      'https://app\u200b.example.com',
      'https://app.example.com',
      'https://app\ufffd.example.com',
    ],
    ['a percent-encoded host', 'https://%61pp.example.com', 'https://app.example.com'],
    ['a page of an extension', 'chrome-extension://abcdefghijklmnop/popup.html', 'chrome-extension://abcdefghijklmnop'],
    [
      'capitals in the id of an extension',
      'chrome-extension://ABCDEFGHIJKLMNOP',
      'chrome-extension://abcdefghijklmnop',
    ],
    ['capitals in the id of an add-on', 'moz-extension://2C127FA4', 'moz-extension://2c127fa4'],
    ['a slash in a custom scheme', 'tauri://localhost/', 'tauri://localhost'],
    ['capitals in a custom scheme', 'Tauri://localhost', 'tauri://localhost'],
    ['a user in a custom scheme', 'app://me@localhost', 'app://localhost', '…@localhost'],
  ])('reject %s (%j), and name the origin to write instead if there is one', (_, item, instead, shown = item) => {
    const sentence = `${REJECTED}'${shown}' (${instead === undefined ? NO_HOST : `write '${instead}'`}).`;
    expect(problemsOf({ authorizedParties: ['https://a.example', item] })).toEqual([`authorizedParties ${sentence}`]);
    expect(problemsOf({ webSocket: { allowedOrigins: [item] } })).toEqual([`webSocket.allowedOrigins ${sentence}`]);
    if (instead !== undefined) expect(problemsOf({ authorizedParties: [instead] })).toEqual([]);
  });

  it.each([
    ['undefined', UNSET],
    ['https://undefined', UNSET],
    ['https://null:3000', UNSET],
    ['app://undefined/', UNSET],
    ['*', PATTERN],
    ['https://*', PATTERN],
    ['https://*.example.com', PATTERN],
    ['https://.example.com', PATTERN],
    ['http://localhost:*', PATTERN],
    ['chrome-extension://*', PATTERN],
    ['https://${APP_HOST}', PATTERN],
    ['^https://.+\\.example\\.com$', PATTERN],
    ['https://(a|b).example.com', PATTERN],
    ['https://a.example,https://b.example', SEVERAL],
    ['https://a.example https://b.example', SEVERAL],
    ['https://a.example;https://b.example', SEVERAL],
    ['null', NULL],
    ['file://', NO_ORIGIN],
    ['file:///index.html', NO_ORIGIN],
    ['FILE://', NO_ORIGIN],
    ['data:text/html', NO_ORIGIN],
    ['about:blank', NO_ORIGIN],
    ['blob:https://a.example/1', NO_ORIGIN],
    ['/', NO_HOST],
    ['https://a..example', NO_HOST],
    ['https://a!.example', NO_HOST],
  ])('reject %j and say why', (item, why) => {
    expect(problemsOf({ authorizedParties: [item] })).toEqual([`authorizedParties ${REJECTED}'${item}' (${why}).`]);
  });

  it('list every rejected item in one message, and no accepted one', () => {
    expect(problemsOf({ authorizedParties: ['https://A.example', 'https://good.example', '*'] })).toEqual([
      `authorizedParties ${REJECTED}'https://A.example' (write 'https://a.example'); '*' (${PATTERN}).`,
    ]);
  });

  it.each([
    'sk_test_51Hidden',
    'https://x/?k=sk_live_51Hidden',
    'pk_test_Hidden',
    'eyJhbGciHidden.a.b',
    'x'.repeat(101),
  ])('do not repeat an item that looks like a key or a token: %s', (item) => {
    const problems = problemsOf({ authorizedParties: ['https://a.example', item] });
    expect(problems).toEqual([`authorizedParties ${REJECTED}item 2 (${NO_HOST}).`]);
  });
});
