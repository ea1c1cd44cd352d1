import { FairAlgorithm, fair } from '../../src/core/scheduling/fair.js';
import { FifoAlgorithm, fifo } from '../../src/core/scheduling/fifo.js';
import { StrideAlgorithm, stride } from '../../src/core/scheduling/stride.js';
import { algorithmConformance } from './algorithm.js';

algorithmConformance('fair', fair, {
  followsShares: true,
  withRoomFor: (tags) => (context) => new FairAlgorithm(context, { nodesMax: tags, childrenMax: tags }),
});
algorithmConformance('stride', stride, {
  followsShares: true,
  withRoomFor: (tags) => (context) => new StrideAlgorithm(context, tags),
});
algorithmConformance('fifo', fifo, {
  followsShares: false,
  withRoomFor: (tags) => (context) => new FifoAlgorithm(context, tags),
});
