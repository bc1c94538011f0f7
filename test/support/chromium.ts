import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { chromium, type Browser, type Page } from 'playwright-core';

/** Where Debian's package puts it. CHROMIUM names another, and then it has to be there. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

const isMissing = !process.env.CHROMIUM && !existsSync(executablePath);

/** Tests in a real browser; skipped where there is none. */
export const describeInChromium = isMissing ? (describe.skip as typeof describe) : describe;

/** What stands in the title of what is skipped. */
export const whySkipped = isMissing
  ? ` (skipped: there is no ${executablePath}; install chromium, or set CHROMIUM)`
  : '';

export function launchChromium(): Promise<Browser> {
  // The sandbox needs privileges that containers lack; nothing but our own pages is opened.
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/** Keeps what a page looks like, under build/screenshots. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = join('build', 'screenshots');
  await mkdir(folder, { recursive: true });
  await page.screenshot({
    path: join(folder, `${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.png`),
    fullPage: true,
  });
}
