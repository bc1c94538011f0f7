import type { Authenticator } from './authenticator.js';
import { tokenInHeader, type Credentials } from './credentials.js';
import { hasHeaders, type Identity } from './identity.js';
import { isDocumentNavigation } from './navigation.js';
import type { RecentCallers } from './recent-callers.js';
import { digestOf, requestInputs, tokenAlone } from './request-key.js';
import { tokenTypesOf, type AcceptsToken } from './token-types.js';
import type { Verdicts } from './verdicts.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';

/** One request, and what it is known by; what takes time to find out is found out once. */
class Question {
  private read: string | undefined;
  private digest: string | undefined;

  /**
   * @param token The session token in the header, where Clerk would look at nothing else.
   * @param alone Its digest.
   */
  constructor(
    readonly credentials: Credentials,
    readonly acceptsToken: AcceptsToken,
    readonly token: string | undefined,
    readonly alone: string | undefined,
    private readonly options: ResolvedClerkOptions,
  ) {}

  /** Everything that Clerk reads of it. */
  get inputs(): string {
    return (this.read ??= requestInputs(this.credentials, this.options));
  }

  /** The digest of that. */
  get whole(): string {
    return (this.digest ??= digestOf(this.inputs, this.acceptsToken));
  }

  get tokenInHeader(): string | undefined {
    return tokenInHeader(this.credentials.headers.authorization ?? null);
  }
}

/**
 * Answers at once for credentials that were verified a moment ago, and lets equal questions that come at the same time
 * share one answer. Only who is signed in is remembered; all else is asked anew each time.
 */
export class RememberingAuthenticator implements Authenticator {
  private readonly asked = new Map<string, Promise<Identity>>();

  constructor(
    private readonly options: ResolvedClerkOptions,
    private readonly recent: RecentCallers,
    private readonly verdicts: Verdicts,
    private readonly next: Authenticator,
  ) {}

  authenticate(credentials: Credentials, acceptsToken: AcceptsToken): Identity | Promise<Identity> {
    const { authorization, cookie } = credentials.headers;
    if (!authorization && !cookie) return this.next.authenticate(credentials, acceptsToken);

    // Stryker disable next-line ConditionalExpression,StringLiteral: the first half is a shortcut to the second.
    const acceptsSession = acceptsToken === 'session_token' || tokenTypesOf(acceptsToken).includes('session_token');
    const token = acceptsSession ? tokenAlone(credentials, this.options) : undefined;
    const recent = token === undefined ? undefined : this.recent.find(token, acceptsToken);
    if (recent) return recent;

    const alone = token === undefined ? undefined : digestOf(token, acceptsToken);
    const question = new Question(credentials, acceptsToken, token, alone, this.options);
    // Stryker disable next-line ConditionalExpression,LogicalOperator: there are both or neither.
    const known = token !== undefined && alone !== undefined && this.verdicts.recall(alone, token);
    if (known) {
      this.recent.keep(known.token, acceptsToken, known);
      return known.identity;
    }
    // Where nothing but sessions is accepted, a token alone is known by itself or not at all.
    if (alone !== undefined && acceptsToken === 'session_token') return this.ask(question);
    return this.recallWhole(question) ?? this.ask(question);
  }

  close(): void {
    this.recent.close();
    this.verdicts.close();
  }

  /** Who was signed in by a request just like this one. */
  private recallWhole(question: Question): Identity | undefined {
    const { inputs, acceptsToken } = question;
    const recent = this.recent.find(inputs, acceptsToken);
    if (recent) return recent;
    const known = this.verdicts.recall(question.whole, question.tokenInHeader);
    if (known) this.recent.keep(inputs, acceptsToken, known);
    return known?.identity;
  }

  private async ask(question: Question): Promise<Identity> {
    const { alone } = question;
    if (alone === undefined) return this.askWhole(question);
    const first = this.asked.get(alone);
    if (!first) return this.once(alone, () => this.verify(question));
    const answer = await first;
    // Whoever is not signed in by the token may be told something else: to go to a handshake, say.
    return isPlainYes(answer) ? answer : this.askWhole(question);
  }

  /** A navigation may be answered with a redirect of its own; everything else shares with its like. */
  private askWhole(question: Question): Promise<Identity> {
    const { method, headers } = question.credentials;
    const get = (name: string) => (headers[name] as string | undefined) ?? null;
    if (isDocumentNavigation({ method, headers: { get } })) return this.verify(question);
    return this.once(question.whole, () => this.verify(question));
  }

  private async verify(question: Question): Promise<Identity> {
    const { credentials, acceptsToken, token, alone } = question;
    const identity = await this.next.authenticate(credentials, acceptsToken);
    if (!isPlainYes(identity)) return identity;
    if (alone !== undefined && identity.tokenType === 'session_token') {
      this.verdicts.rememberToken(alone, identity, token as string);
    } else {
      await this.verdicts.rememberRequest(question.whole, identity, question.tokenInHeader);
    }
    return identity;
  }

  private once(key: string, ask: () => Promise<Identity>): Promise<Identity> {
    let answer = this.asked.get(key);
    if (!answer) {
      answer = ask().finally(() => this.asked.delete(key));
      this.asked.set(key, answer);
    }
    return answer;
  }
}

/** Somebody is signed in, and the client need not be told anything. */
function isPlainYes(identity: Identity): boolean {
  return identity.status === 'signed-in' && !hasHeaders(identity);
}
