import { createPublicKey } from 'node:crypto';

import type { Check } from './option-checks.js';

/** Whitespace and quotes around a key come from a .env file or a shell, and make every call fail later. */
function wrapped(value: string): string | undefined {
  return /^["'\s]|["'\s]$/.test(value) ? 'has quotes or blanks around it: remove them from the value' : undefined;
}

const KEY_PREFIX = /^([ps]k_(test|live)|ask)_/;
/** Keys consist of letters and digits. */
const NEVER_IN_A_KEY = /\.\.\.|x{8}|[…•*<>{}[\]]/i;
const FILLER = /^[x._-]{2,}$/i;
const INSTRUCTION =
  /your|(change|replace)[_-]?(me|this|with)|insert|paste|placeholder|(secret|publishable|public|api)[_-]?key|key[_-]?here/i;

/** Shorter than any key of Clerk's after its prefix. A longer one may contain a word by chance. */
const SHORTER_THAN_A_KEY = 36;

/** Whether a value was copied from a README or a `.env.example`. Must never be true for a real key. */
function isPlaceholder(value: string): boolean {
  const text = value.replace(KEY_PREFIX, '');
  if (NEVER_IN_A_KEY.test(text) || FILLER.test(text)) return true;
  return (text.length < SHORTER_THAN_A_KEY || /[_-]/.test(text)) && INSTRUCTION.test(text);
}

const PLACEHOLDER = 'is a placeholder: replace it with the key from the API keys page of the Clerk Dashboard';

export const publishableKey: Check<string> = (value) => {
  if (typeof value !== 'string') return 'must be a string that starts with pk_test_ or pk_live_';
  const problem = publishableKeyProblem(value);
  // A valid key encodes a host, so only an invalid one can be a placeholder.
  return problem && isPlaceholder(value) ? PLACEHOLDER : problem;
};

function publishableKeyProblem(value: string): string | undefined {
  if (/^sk_(test|live)_/.test(value)) {
    return 'holds a secret key: the publishable and the secret key are swapped. Rotate the secret key if this value was ever sent to a browser';
  }
  const encoded = /^pk_(?:test|live)_(.+)$/.exec(value)?.[1];
  if (!encoded) return wrapped(value) ?? 'must start with pk_test_ or pk_live_';
  const host = Buffer.from(encoded, 'base64').toString('latin1');
  // Buffer.from() skips characters that are not base64.
  return /^[\w+/=-]+$/.test(encoded) && /^[^$\s/][^$\s/.]*\.[^$\s/]+\$$/.test(host)
    ? undefined
    : (wrapped(value) ?? 'is cut off or mistyped: copy it again from the API keys page of the Clerk Dashboard');
}

export const secretKey: Check<string> = (value) => {
  if (typeof value !== 'string') return 'must be a string that starts with sk_test_ or sk_live_';
  if (isPlaceholder(value)) return PLACEHOLDER;
  if (value.startsWith('pk_')) {
    return 'holds a publishable key: the publishable and the secret key are swapped';
  }
  if (value.startsWith('ask_')) return 'holds a machine secret key: that belongs in machineSecretKey';
  return (
    wrapped(value) ?? (/^sk_(test|live)_[\x21-\x7e]+$/.test(value) ? undefined : 'must start with sk_test_ or sk_live_')
  );
};

export const machineSecretKey: Check<string> = (value) => {
  if (typeof value !== 'string') return 'must be a string that starts with ask_';
  if (isPlaceholder(value)) return PLACEHOLDER;
  if (value.startsWith('sk_')) return "holds the instance's secret key: that belongs in secretKey";
  return wrapped(value) ?? (/^ask_[\x21-\x7e]+$/.test(value) ? undefined : 'must start with ask_');
};

/** Reads a PEM from an environment variable: line breaks may be written `\n`, and header and footer may be missing. */
export function readPublicKey(value: string): string {
  const text = value.replaceAll('\\n', '\n').trim();
  const pem = text.startsWith('-----BEGIN') ? text : `-----BEGIN PUBLIC KEY-----\n${text}\n-----END PUBLIC KEY-----`;
  const key = createPublicKey(pem);
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== 'rsa' || modulusLength !== 2048 || publicExponent !== 65537n) {
    throw new TypeError();
  }
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

export const publicKeyPem: Check<string> = (value) => {
  if (typeof value === 'string' && value.includes('PRIVATE KEY')) {
    return 'holds a private key: use the JWKS public key (PEM) of the API keys page of the Clerk Dashboard';
  }
  try {
    // Only strings: toString() of an object may return another value next time.
    readPublicKey(typeof value === 'string' ? value : '');
    return undefined;
  } catch {
    if (typeof value === 'string' && isPlaceholder(value)) return PLACEHOLDER;
    return 'is not a readable public key: copy the JWKS public key (PEM, RSA 2048) from the API keys page of the Clerk Dashboard, with its line breaks (or \\n in their place)';
  }
};
