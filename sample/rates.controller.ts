import { Controller, Get, Sse } from '@nestjs/common';
import { Auth, Public } from 'nest-clerk';
import type { SignedInAuthObject, SignedOutAuthObject } from 'nest-clerk';
import { interval, map, take } from 'rxjs';

@Controller('rates')
export class RatesController {
  /** Open to everybody; those who are signed in are known all the same. */
  @Get()
  @Public()
  rates(@Auth() auth: SignedInAuthObject | SignedOutAuthObject) {
    return {
      vat: 0.19,
      greeting: auth.isAuthenticated ? `Hello ${auth.userId}` : 'Hello stranger',
    };
  }

  /** A stream is a route like any other: who is not signed in gets none. */
  @Sse('live')
  live(@Auth('userId') userId: string) {
    return interval(200).pipe(
      take(3),
      map((hour) => ({ data: { hour, vat: 0.19, for: userId } })),
    );
  }
}
