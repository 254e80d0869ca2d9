// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#version 450
// Reads the words of a buffer that the ring lists, and writes them behind the list.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Data { uint data[]; };
layout(set = 0, binding = 1) buffer Ring { uint ring[]; };
layout(push_constant) uniform Job { uint first, count; };

void main()
{
	uint i = gl_GlobalInvocationID.x;

	if (i < count)
		ring[first + count + i] = data[ring[first + i]];
}
