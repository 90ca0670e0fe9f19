// Height along the light; blurred and exponentiated on the CPU, once a room.
#version 330
in float height;
out float height_m;

void main() {
    height_m = height;
}
