// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#version 450
// Adds to words of a buffer: the ring lists pairs of a word's number and what is added. One physical
// word may be listed several times, by several addresses.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Data { uint data[]; };
layout(set = 0, binding = 1) buffer Ring { uint ring[]; };
layout(push_constant) uniform Job { uint first, count; };

void main()
{
	uint i = gl_GlobalInvocationID.x;

	if (i < count)
		atomicAdd(data[ring[first + 2 * i]], ring[first + 2 * i + 1]);
}
