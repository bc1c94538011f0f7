import type { ExecutionContext } from '@nestjs/common';
import { getAuth, RequirePermission } from 'nest-clerk';

export * from 'nest-clerk';
export * as testing from 'nest-clerk/testing';

/** TypeScript can emit declarations of a user's code with the inferred types. */
export const Biller = () => RequirePermission('org:invoices:create');
export const callerIn = (context: ExecutionContext) => getAuth(context);

// @ts-expect-error there is no such export
export { nonsense } from 'nest-clerk';
// @ts-expect-error there is no such export
export { nonsense as noTesting } from 'nest-clerk/testing';
