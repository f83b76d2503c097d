export { describe } from './describe.ts';
export { PathError, parsePath } from './path.ts';
export { resolve } from './resolve.ts';
export { TextIndex } from './text.ts';
export { Anchorer, type Placed } from './watch.ts';
export { hostName, type WireLandmarks, type WirePoint, type WireQuote, type WireRange } from './wire.ts';
