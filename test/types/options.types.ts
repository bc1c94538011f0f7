/**
 * Compiled, never run: a row of an option that lacks its scope or check does not compile, and the types of options are
 * derived from their rows. Checked by `npm run typecheck`.
 */
import { expectTypeOf } from 'expect-type';

import type {
  AudienceByTokenType,
  ClerkErrorCode,
  ClerkModule,
  ClerkModuleExtras,
  ClerkModuleOptions,
  OnError,
  RequestOptions,
  ValueOrFunction,
} from '../../lib/index.js';
import { boolean, count, fields, nonEmptyString, oneOf } from '../../lib/options/option-checks.js';
import {
  option,
  type OptionRow,
  type OptionsOf,
  type RequestOptionsOf,
  type ResolvedOptionsOf,
} from '../../lib/options/option-row.js';
import type { ResolvedClerkOptions } from '../../lib/options/resolved-options.js';

// The type of an option is that of its check.
const rows = {
  plain: option({ scope: 'request', check: nonEmptyString }),
  withDefault: option({ scope: 'module', default: 5, check: count(0, 10) }),
  withResolve: option({ scope: 'instance', check: nonEmptyString, resolve: (text) => text?.length ?? 0 }),
};
expectTypeOf(rows.plain).toEqualTypeOf<OptionRow<string, string | undefined, 'request'>>();
expectTypeOf<OptionsOf<typeof rows>>().toEqualTypeOf<{
  plain?: string | undefined;
  withDefault?: number | undefined;
  withResolve?: string | undefined;
}>();

// An option of the whole module is not among those of a request.
expectTypeOf<keyof RequestOptionsOf<typeof rows>>().toEqualTypeOf<'plain' | 'withResolve'>();

// Only an option without a default and without a resolver may be undefined after it was resolved.
expectTypeOf<ResolvedOptionsOf<typeof rows>>().toEqualTypeOf<{
  readonly plain: string | undefined;
  readonly withDefault: number;
  readonly withResolve: number;
}>();

// @ts-expect-error an option without a scope
option({ check: boolean });
// @ts-expect-error an option without a scope, with a default
option({ default: true, check: boolean });
// @ts-expect-error an option without a scope, with a resolver
option({ check: boolean, resolve: (value) => value });
// @ts-expect-error an unknown scope
option({ scope: 'tenant', check: boolean });
// @ts-expect-error an option without a check
option({ scope: 'request' });
// @ts-expect-error an option without a check, with a default
option({ scope: 'request', default: true });
// @ts-expect-error a default of another type than the check's
option({ scope: 'request', default: 'yes', check: boolean });
// @ts-expect-error a default that the check rejects
option({ scope: 'module', default: 'loose', check: oneOf('strict', 'lax') });
// @ts-expect-error a field without a check
fields<{ enabled: boolean; path?: string }>({ enabled: boolean });
// @ts-expect-error a field with the check of another type
fields<{ enabled: boolean }>({ enabled: nonEmptyString });

// What users type.
expectTypeOf<ClerkModuleOptions['domain']>().toEqualTypeOf<ValueOrFunction<string> | undefined>();
expectTypeOf<ClerkModuleOptions['protection']>().toEqualTypeOf<'strict' | 'lax' | undefined>();
expectTypeOf<ClerkModuleOptions['audience']>().toEqualTypeOf<string | string[] | AudienceByTokenType | undefined>();
expectTypeOf<RequestOptions>().toExtend<ClerkModuleOptions>();
expectTypeOf<'protection' & keyof RequestOptions>().toBeNever();
expectTypeOf<'resolveOptions' & keyof RequestOptions>().toBeNever();
expectTypeOf<Parameters<OnError>[0]['code']>().toEqualTypeOf<ClerkErrorCode>();
expectTypeOf<Parameters<typeof ClerkModule.forRoot>>().toEqualTypeOf<
  [options?: ClerkModuleOptions & ClerkModuleExtras]
>();

// What the rest of the library reads.
expectTypeOf<ResolvedClerkOptions['secretKey']>().toEqualTypeOf<string>();
expectTypeOf<ResolvedClerkOptions['jwtKey']>().toEqualTypeOf<string | undefined>();
expectTypeOf<ResolvedClerkOptions['timeoutInMs']>().toEqualTypeOf<number>();
expectTypeOf<ResolvedClerkOptions['isSatellite']>().toEqualTypeOf<ValueOrFunction<boolean>>();
expectTypeOf<ResolvedClerkOptions['audience']>().toEqualTypeOf<Readonly<AudienceByTokenType>>();
expectTypeOf<ResolvedClerkOptions['authorizedParties']>().toEqualTypeOf<readonly string[] | undefined>();
expectTypeOf<ResolvedClerkOptions['machineOnly']>().toEqualTypeOf<boolean>();
