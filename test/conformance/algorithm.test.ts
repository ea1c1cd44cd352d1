import { LotteryAlgorithm, lottery } from '../../src/core/scheduling/baselines/lottery.js';
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
// Four standard deviations of 200 draws at three in four.
algorithmConformance('lottery', lottery(1), {
  followsShares: true,
  tolerance: 4 * Math.sqrt(200 * 0.75 * 0.25),
  withRoomFor: (tags) => (context) => new LotteryAlgorithm(context, 1, tags),
});
