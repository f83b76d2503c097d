import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

/** Builds limn once for all tests. */
export default function setup(project: TestProject): () => void {
	const dir = mkdtempSync(join(tmpdir(), 'limn-build-'));
	const limn = join(dir, 'limn');
	execFileSync('go', ['build', '-o', limn, '.'], { cwd: join(import.meta.dirname, '../../..'), stdio: 'inherit' });
	project.provide('limn', limn);
	return () => rmSync(dir, { recursive: true });
}

declare module 'vitest' {
	export interface ProvidedContext {
		limn: string;
	}
}
