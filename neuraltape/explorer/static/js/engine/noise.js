// The noise of a damaged slot: the numbers that torch.randn gives after manual_seed, so that damage is the same here and
// there. The Mersenne twister (Matsumoto and Nishimura 1998), and PyTorch's two ways from it to normal numbers.

class Twister {
  constructor(seed) {
    this.state = new Uint32Array(624);
    // The generator takes the lower half of a seed.
    this.state[0] = Number(BigInt.asUintN(32, BigInt(seed)));
    for (let i = 1; i < 624; i++) {
      const last = this.state[i - 1] ^ (this.state[i - 1] >>> 30);
      this.state[i] = Math.imul(1812433253, last) + i;
    }
    this.place = 624;
  }

  // The next 32 bits.
  next() {
    const { state } = this;
    if (this.place === 624) {
      for (let i = 0; i < 624; i++) {
        const both = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (both >>> 1) ^ (both & 1 ? 0x9908b0df : 0);
      }
      this.place = 0;
    }
    let y = state[this.place++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  // Uniform in [0, 1), as PyTorch draws a float32 and a float64.
  single = () => (this.next() & 0xffffff) / 2 ** 24;
  double() {
    const high = BigInt(this.next());
    return Number(((high << 32n) | BigInt(this.next())) & ((1n << 53n) - 1n)) / 2 ** 53;
  }
}

// So many normal numbers, as torch.randn(count, generator=torch.Generator().manual_seed(seed)) gives them.
export function normals(count, seed) {
  const twister = new Twister(seed);
  const found = new Float64Array(count);
  if (count < 16) {
    // One pair of uniform numbers makes two normal ones.
    for (let i = 0; i < count; i += 2) {
      const angle = 2 * Math.PI * twister.double();
      const radius = Math.sqrt(-2 * Math.log1p(-twister.double()));
      found[i] = radius * Math.cos(angle);
      if (i + 1 < count) found[i + 1] = radius * Math.sin(angle);
    }
    return found.map(Math.fround);
  }
  // Sixteen at a time; the last sixteen are drawn anew where they are no whole block.
  for (let i = 0; i < count; i++) found[i] = twister.single();
  for (let start = 0; start + 16 <= count; start += 16) pairs(found, start);
  if (count % 16) {
    for (let i = count - 16; i < count; i++) found[i] = twister.single();
    pairs(found, count - 16);
  }
  return found.map(Math.fround);
}

function pairs(found, start) {
  for (let i = start; i < start + 8; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - found[i]));
    const angle = 2 * Math.PI * found[i + 8];
    found[i] = radius * Math.cos(angle);
    found[i + 8] = radius * Math.sin(angle);
  }
}
