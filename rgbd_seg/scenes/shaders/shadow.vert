// The room without its shell, seen along a light.
#version 330
uniform mat4 shadow;          // room to shadow map: xy 0..1, z metres along the light
uniform float deepest;
uniform float span;
in vec3 position;
out float height;

void main() {
    vec3 at = (shadow * vec4(position, 1.0)).xyz;
    height = at.z;
    gl_Position = vec4(at.xy * 2.0 - 1.0, 1.0 - 2.0 * (at.z - deepest) / span, 1.0);
}
