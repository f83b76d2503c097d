import { defineConfig } from 'vitest/config';
import { complete } from './test/complete.ts';

export default defineConfig({
	test: { include: ['test/unit/*.test.ts'], reporters: ['default', complete] },
});
