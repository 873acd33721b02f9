-- Turns one of the switches (M12): `registration`, `email_sign_in`, `documents`. Internal.
-- outcomes: turned {switch, state} · unchanged {switch, state} · unknown_switch
create or replace function mcp_data.operate_turn_switch(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_switch text := p_arguments->>'switch';
  v_is_on boolean := p_arguments->>'state' = 'on';
  e mcp_data.settings;
begin
  select * into e from mcp_data.settings for update;
  if v_switch is null or v_switch not in ('registration', 'email_sign_in', 'documents') or v_is_on is null then
    return jsonb_build_object('outcome', 'unknown_switch');
  elsif v_is_on = (case v_switch when 'registration' then e.registration_is_on when 'email_sign_in' then e.email_sign_in_is_on
    else e.documents_are_on end) then
    return jsonb_build_object('outcome', 'unchanged', 'switch', v_switch, 'state', p_arguments->>'state');
  end if;
  update mcp_data.settings x set
    registration_is_on = case when v_switch = 'registration' then v_is_on else x.registration_is_on end,
    email_sign_in_is_on = case when v_switch = 'email_sign_in' then v_is_on else x.email_sign_in_is_on end,
    documents_are_on = case when v_switch = 'documents' then v_is_on else x.documents_are_on end;
  perform mcp_data.add_event('operator.switch_turned', p_arguments->>'reason', null, null, null, null,
    jsonb_build_object('switch', v_switch, 'state', p_arguments->>'state'), p_request);
  return jsonb_build_object('outcome', 'turned', 'switch', v_switch, 'state', p_arguments->>'state');
end $$;
