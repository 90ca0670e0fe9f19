// Places the room before the camera and hands each triangle its surface from the part table.
#version 330
uniform mat4 projection;      // room to clip space
uniform vec4 depth_row;       // third row of room-to-camera: z = dot(depth_row, position)
uniform sampler2D parts;      // one row a part, five texels
uniform mat4 key_shadow;      // room to shadow map: xy 0..1, z metres along the light
in vec3 position;
in vec3 normal;
in vec2 surface;
in float part;
out vec3 world;
out vec3 facing;
out vec2 uv;
out float z_m;
out vec3 key_at;
flat out vec4 base_layer;
flat out vec4 second_gloss;
flat out vec4 accent_infrared;
flat out vec3 glow_direct_id;

void main() {
    int row = int(part + 0.5);
    base_layer = texelFetch(parts, ivec2(0, row), 0);
    second_gloss = texelFetch(parts, ivec2(1, row), 0);
    accent_infrared = texelFetch(parts, ivec2(2, row), 0);
    vec4 mapping = texelFetch(parts, ivec2(3, row), 0);
    glow_direct_id = texelFetch(parts, ivec2(4, row), 0).xyz;
    vec4 at = vec4(position, 1.0);
    world = position;
    facing = normal;
    uv = surface * mapping.xy + mapping.zw;
    z_m = dot(depth_row, at);
    // A little off the surface, so that sides of a thing are not in the shadow of its own top.
    key_at = (key_shadow * vec4(position + 0.1 * normal, 1.0)).xyz;
    gl_Position = projection * at;
}
