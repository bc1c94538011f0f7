import { Controller, Get, Sse } from '@nestjs/common';
import { Auth, Public } from 'nest-clerk';
import type { SignedInAuthObject, SignedOutAuthObject } from 'nest-clerk';
import { interval, map, take } from 'rxjs';

@Controller('rates')
export class RatesController {
  /** Open to everyone. `@Auth()` tells who is signed in. */
  @Get()
  @Public()
  rates(@Auth() auth: SignedInAuthObject | SignedOutAuthObject) {
    return {
      vat: 0.19,
      greeting: auth.isAuthenticated ? `Hello ${auth.userId}` : 'Hello, you are not signed in',
    };
  }

  /** A stream of events is protected like any other route. */
  @Sse('live')
  live(@Auth('userId') userId: string) {
    return interval(200).pipe(
      take(3),
      map((hour) => ({ data: { hour, vat: 0.19, for: userId } })),
    );
  }
}
