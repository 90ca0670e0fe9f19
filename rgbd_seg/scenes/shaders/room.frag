// Surface, light and labels of one pixel: no branches, because software OpenGL runs both sides of each.
#version 330
uniform sampler2DArray bank;
uniform sampler2D shadows;    // red: exponential height seen along the key light, green: seen from straight above
uniform vec3 eye;
uniform vec3 room_size;
uniform vec3 lamp;
uniform vec3 lamp_color;
uniform vec3 sun;
uniform vec3 sun_color;
uniform vec3 ambient;
uniform vec3 white_balance;   // with exposure
uniform float sharpness;      // of the exponential shadows, 1/m
in vec3 world;
in vec3 facing;
in vec2 uv;
in float z_m;
in vec3 key_at;
flat in vec4 base_layer;
flat in vec4 second_gloss;
flat in vec4 accent_infrared;
flat in vec3 glow_direct_id;
layout(location = 0) out vec4 color_return;  // alpha: how much infrared comes back, 0..1
layout(location = 1) out float depth_m;
layout(location = 2) out uint label_instance;

float light_through(float stored, float height) {
    return clamp(exp(sharpness * (height + 0.03)) / max(stored, 1e-20), 0.0, 1.0);
}

void main() {
    vec3 texel = texture(bank, vec3(uv, base_layer.w)).rgb;
    vec3 mixed = mix(mix(base_layer.rgb, second_gloss.rgb, texel.r), accent_infrared.rgb, texel.b) * (texel.g * 2.0);
    vec3 albedo = mix(mixed, texel * texel, glow_direct_id.y);

    vec3 n = normalize(facing);
    vec3 to_eye = eye - world;
    float distance_m = length(to_eye);
    to_eye /= distance_m;
    float facing_eye = abs(dot(n, to_eye));

    float above = texture(shadows, (world.xy + n.xy * 0.15) / room_size.xy).g;
    float open_sky = light_through(above, world.z + n.z * 0.1);
    float key_visible = light_through(texture(shadows, key_at.xy).r, key_at.z);

    vec3 to_lamp = lamp - world;
    float lamp_distance = length(to_lamp);
    to_lamp /= lamp_distance;
    float lamp_lit = max(dot(n, to_lamp), 0.0) * key_visible * 2.2 / (1.0 + 0.22 * lamp_distance * lamp_distance);
    vec3 to_sun = sun - world;
    float sun_distance = length(to_sun);
    to_sun /= sun_distance;
    float sun_lit = max(dot(n, to_sun), 0.0) * (0.35 + 0.65 * open_sky) * 2.5 / (1.0 + 0.3 * sun_distance * sun_distance);

    // Corners: each wall that is near and not the pixel's own takes some light away.
    vec3 near_low = world * 3.5, near_high = (room_size - world) * 3.5;
    vec3 corner = 1.0 / (1.0 + min(near_low * near_low, near_high * near_high));
    vec3 dimming = 1.0 - 0.32 * corner * (1.0 - abs(n));
    float occlusion = dimming.x * dimming.y * dimming.z;

    vec3 soft = ambient * mix(0.62, 1.0, 0.5 + 0.5 * n.z) * (0.4 + 0.6 * open_sky) * occlusion;
    vec3 light = soft + occlusion * (lamp_color * lamp_lit + sun_color * sun_lit);
    vec3 half_way = normalize(to_lamp + to_eye);
    float mirrored = max(dot(n, half_way), 0.0);
    mirrored *= mirrored;
    mirrored *= mirrored;
    mirrored *= mirrored;
    mirrored *= mirrored;
    mirrored *= mirrored;  // To the power of 32.
    float shine = mirrored * second_gloss.w * key_visible * 0.5;
    float rim = second_gloss.w * 0.12 * (1.0 - facing_eye) * (1.0 - facing_eye);
    vec3 radiance = albedo * (light + glow_direct_id.x) + lamp_color * shine + ambient * rim;

    vec3 exposed = radiance * white_balance;
    exposed = exposed / (0.75 + 0.35 * exposed);  // A soft shoulder instead of hard clipping.
    // Return for the depth camera: what the surface gives back, less at grazing angles.
    float returned = accent_infrared.w * mix(0.25, 1.0, facing_eye);
    color_return = vec4(sqrt(clamp(exposed, 0.0, 1.0)), returned);
    depth_m = z_m;
    label_instance = uint(glow_direct_id.z + 0.5);
}
