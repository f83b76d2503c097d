import type { Moderation } from '../reader/remote.ts';
import { ask } from './messages.ts';

/** Moderation through the background, which knows who one is. */
export const moderation: Moderation = {
	flag: (url, highlight, reason) => ask('flag', { url, highlight, reason }),
	act: (url, highlight, act) => ask('moderate', { url, highlight, act }),
	listFlags: (group) => ask('flags', { group }),
};
