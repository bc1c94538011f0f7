import { Controller, Get, NotFoundException, Param, Redirect, StreamableFile } from '@nestjs/common';
import { Public, RedirectToSignIn, RequireAuth, SkipAuth } from 'nest-clerk';

import { openFile } from './files.js';

@Controller()
export class PagesController {
  /**
   * One page for everyone. `@Public()` does not require sign-in, but still allows handshakes, in which Clerk refreshes the
   * session of the browser or switches to the organization in the URL.
   */
  @Get(['', 'orgs/:slug', 'personal'])
  @Public()
  home() {
    return this.file('index.html');
  }

  /** Redirects to Clerk's sign-in page. After sign-in, Clerk redirects back here, and from here to `/`. */
  @Get('sign-in')
  @RequireAuth()
  @RedirectToSignIn()
  @Redirect('/')
  signIn(): void {}

  /** Credentials are not checked. */
  @Get('assets/:name')
  @SkipAuth()
  asset(@Param('name') name: string) {
    return this.file(name);
  }

  private file(name: string): StreamableFile {
    const file = openFile(name);
    if (!file) throw new NotFoundException();
    return new StreamableFile(file.content, { type: file.type });
  }
}
